/* The word count of the benchmarks, in C: split, as rows, and a sum, also for windows. */

#include <tidemill.h>

static bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

static void split_words(const td_value *row, td_out *out) {
  const char *at = row[0].bytes.data, *end = at + row[0].bytes.size;
  while (at < end) {
    while (at < end && is_space(*at)) at++;
    const char *start = at;
    while (at < end && !is_space(*at)) at++;
    if (at > start) td_emit(out, td_text_n(start, (size_t)(at - start)), td_int(1));
  }
}

TIDEMILL_FLAT_MAP(.reads = "line: utf8", .produces = "word: utf8, n: int64", .each = split_words)

static void add(td_value *total, const td_value *value) { total->int64 += value->int64; }

static void subtract(td_value *total, const td_value *value) { total->int64 -= value->int64; }

TIDEMILL_REDUCE_WITH_INVERSE(.values = "int64", .combine = add, .subtract = subtract)
