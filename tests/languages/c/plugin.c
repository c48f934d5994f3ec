/* The operators of the cases that every language passes; tests/plugins/case_* are the same in Rust. */

#include <tidemill.h>

#define ALL "b: boolean?, i: int64?, f: float64?, s: utf8?, y: binary?, t: timestamp?"

TIDEMILL_CONFIG({.name = "tag", .type = TD_OPTION_TEXT, .text = ""})

static bool is(td_value value, const char *text) { return !value.is_null && td_equal(value.bytes, td_text(text).bytes); }

static void all_types(const td_value *row, td_out *out) {
  td_value s = row[3];
  if (is(s, "refuse")) td_reject("the row is refused");
  if (is(s, "fail")) td_fail("the function fails");
  if (is(s, "nothing")) return;
  if (!s.is_null) s = td_join(td_text(td_config_text("tag")), s);
  td_emit(out, row[0], row[1], row[2], s, row[4], row[5]);
  if (is(row[3], "twice")) td_emit(out, row[0], row[1], row[2], s, row[4], row[5]);
}

TIDEMILL_FLAT_MAP(.reads = ALL, .produces = ALL, .each = all_types)

static void combine(td_value *total, const td_value *value) {
  if (total[0].int64 == 13 && value[0].int64 == 13) td_reject("13 twice");
  if (value[0].int64 < total[0].int64) total[0] = value[0];
  total[1].float64 += value[1].float64;
  if (total[2].is_null) total[2] = value[2];
}

TIDEMILL_REDUCE(.values = "least: int64, total: float64, first: utf8?", .combine = combine)

enum { FIRST, LAST, COUNT };

static void merge(td_value *total, const td_value *other) {
  bool is_empty = total[COUNT].int64 == 0;
  if (is_empty || other[FIRST].int64 < total[FIRST].int64) total[FIRST] = other[FIRST];
  if (is_empty || other[LAST].int64 > total[LAST].int64) total[LAST] = other[LAST];
  total[COUNT].int64 += other[COUNT].int64;
}

static void add(td_value *total, const td_value *time) {
  merge(total, (td_value[]){time[0], time[0], td_int(1)});
}

static void finish(const td_value *total, td_value *row) {
  row[0] = total[FIRST];
  row[1] = td_int(total[LAST].int64 - total[FIRST].int64);
  row[2] = total[COUNT];
}

TIDEMILL_AGGREGATE(.values = "timestamp", .accumulator = "first: timestamp, last: timestamp, count: int64",
                   .produces = "first: timestamp, micros: int64, count: int64", .add = add, .merge = merge, .finish = finish)

static void add_up(td_key *key, td_out *out) {
  int64_t sum = key->state ? key->state[0].int64 : 0;
  td_value last = key->state ? key->state[1] : td_null();
  if (key->value && key->value[0].int64 == 0) {
    td_forget(key);
    return;
  }
  if (key->value) {
    td_bytes name = key->key[0].bytes;
    if (key->value[0].int64 == 13) td_reject("13 at %.*s", (int)name.size, name.data);
    sum += key->value[0].int64;
    td_keep(key, td_int(sum), key->value[1].is_null ? last : key->value[1]);
  }
  td_emit(out, td_int(sum), td_time(key->now));
}

TIDEMILL_MAP_WITH_STATE(.key = "utf8", .values = "n: int64, note: utf8?", .state = "sum: int64, last: utf8?",
                        .produces = "sum: int64, at: timestamp", .each = add_up)

static void from_sum(const td_value *earlier, td_value *state) {
  if (earlier->int64 < 0) {
    td_reject("the sum %lld is negative", (long long)earlier->int64);
    return;
  }
  state[0] = *earlier;
  state[1] = td_null();
}

static void from_total(const td_value *earlier, td_value *state) {
  state[0] = td_int((int64_t)earlier[0].float64);
  state[1] = earlier[1];
}

TIDEMILL_MIGRATE_STATE({.from = "int64", .each = from_sum}, {.from = "total: float64, note: utf8?", .each = from_total})

static void beside(const td_pair *pair, td_out *out) {
  int64_t sum = 0;
  for (size_t i = 0; i < pair->left.num_rows; i++) sum += td_row(pair->left, i)->int64;
  for (size_t i = 0; i < pair->right.num_rows; i++) td_emit(out, td_int(sum), *td_row(pair->right, i));
  if (pair->right.num_rows == 0) td_emit(out, td_int(sum), td_null());
}

TIDEMILL_COGROUP(.left = "int64", .right = "utf8", .produces = "sum: int64, text: utf8?", .each = beside)
