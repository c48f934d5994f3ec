/* The words of a line. */

#include <tidemill.h>

#include <ctype.h>

static void split_words(const td_value *row, td_out *out) {
  const char *at = row[0].bytes.data, *end = at + row[0].bytes.size;
  while (at < end) {
    const char *start = at;
    while (at < end && !isspace((unsigned char)*at)) at++;
    size_t size = (size_t)(at - start);
    if (size > 64) {
      td_reject("a word has %zu bytes, at most 64 are allowed", size);
      return;
    }
    char *word = td_alloc(size);
    for (size_t i = 0; i < size; i++) word[i] = (char)tolower((unsigned char)start[i]);
    if (size > 0) td_emit(out, td_text_n(word, size));
    else at++;
  }
}

TIDEMILL_FLAT_MAP(.reads = "line: utf8", .produces = "word: utf8", .each = split_words)
