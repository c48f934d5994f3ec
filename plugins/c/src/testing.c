/* Operators run natively on rows, for tests: what tidemill_testing.h has. */

#ifndef __wasm__

#include "inside.h"

#include <tidemill_testing.h>

/* Those that the plugin has. */
extern const td_transform td_the_transform __attribute__((weak));
extern const td_reduce td_the_reduce __attribute__((weak));
extern const td_aggregate td_the_aggregate __attribute__((weak));
extern const td_update td_the_update __attribute__((weak));
extern const td_migrate td_the_migrate __attribute__((weak));
extern const td_cogroup td_the_cogroup __attribute__((weak));

static const char *config = "null";
static char *text;
static size_t text_size, text_capacity;

void td_try_config(const char *json) { config = json; }

static void begin(void) {
  text_size = 0;
  text = td_realloc(text, text_capacity = 256);
  text[0] = 0;
}

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...) {
  va_list values, again;
  va_start(values, format);
  va_copy(again, values);
  size_t size = (size_t)vsnprintf(NULL, 0, format, again);
  va_end(again);
  while (text_size + size + 1 > text_capacity) text = td_realloc(text, text_capacity *= 2);
  vsnprintf(text + text_size, size + 1, format, values);
  text_size += size;
  va_end(values);
}

static td_list listed(const char *words) { return (td_list){words, strlen(words)}; }

static td_schema schema_of(const char *columns) {
  td_schema schema;
  if (!td_declare(&schema, columns)) td_fail_at(columns, 0, "these are no columns");
  return schema;
}

static td_batch batch_of(td_schema schema, td_values rows) {
  td_out *out = td_malloc(sizeof(td_out));
  td_out_open(out, schema);
  td_out_begin(out);
  if (rows.size % schema.size) td_fail_at("test", 0, "%zu values don't make rows of %zu columns", rows.size, schema.size);
  for (size_t i = 0; i < rows.size; i += schema.size) td_emit_row(out, rows.values + i, schema.size);
  return td_out_batch(out);
}

static bool has_failed(const td_result *result) {
  if (result->is_error) say("error: %.*s\n", (int)result->error.size, (const char *)result->error.data);
  return result->is_error;
}

static void say_value(td_value value) {
  if (value.is_null) say("null");
  else if (value.type == TD_BOOLEAN) say(value.boolean ? "true" : "false");
  else if (value.type == TD_FLOAT64) say("%.15g", value.float64);
  else if (value.type == TD_UTF8) say("%.*s", (int)value.bytes.size, value.bytes.data);
  else if (value.type == TD_INT64 || value.type == TD_TIMESTAMP) say("%lld", (long long)value.int64);
  else for (size_t i = 0; i < value.bytes.size; i++) say("%02x", (unsigned char)value.bytes.data[i]);
}

static void say_rows(const char *before, td_batch batch, td_schema schema) {
  td_rows rows;
  for (size_t i = 0; i < schema.size; i++) schema.fields[i].nullable = true;
  td_read(batch, &schema, NULL, NULL, NULL, &rows);
  for (size_t row = 0; row < rows.num_rows; row++) {
    say("%s", before);
    for (size_t i = 0; i < schema.size; i++) {
      if (i) say(", ");
      say_value(td_row(rows, row)[i]);
    }
    say("\n");
  }
}

const char *td_try_transform(const char *columns, td_values rows) {
  begin();
  td_schema schema = schema_of(columns);
  td_result *result = td_transform_open(&td_the_transform, listed(config), td_listed(&schema));
  if (has_failed(result)) return text;
  td_schema produces = td_fields(result->transform_plan.produces), reads = {.size = result->transform_plan.reads.size};
  uint32_t *order = td_malloc((reads.size + 1) * sizeof(uint32_t));
  memcpy(order, result->transform_plan.reads.data, reads.size * sizeof(uint32_t));
  td_batch whole = batch_of(schema, rows);
  td_column *given = td_malloc((reads.size + 1) * sizeof(td_column));
  for (size_t i = 0; i < reads.size; i++) given[i] = ((const td_column *)whole.columns.data)[order[i]];
  result = td_transform_process(&td_the_transform, (td_batch){whole.num_rows, {given, reads.size}});
  if (has_failed(result)) return text;
  if (td_the_transform.keep) {
    const uint32_t *kept = result->transformed.origins.list.data;
    for (size_t i = 0; i < result->transformed.batch.num_rows; i++) say("row %u\n", kept[i]);
  } else {
    say_rows("", result->transformed.batch, produces);
  }
  const td_reject_entry *rejects = result->transformed.rejects.data;
  for (size_t i = 0; i < result->transformed.rejects.size; i++)
    say("refused: %.*s\n", (int)rejects[i].reason.size, (const char *)rejects[i].reason.data);
  return text;
}

const char *td_try_reduce(const char *columns, td_values rows) {
  begin();
  td_schema schema = schema_of(columns);
  if (has_failed(td_reduce_open(&td_the_reduce, listed(config), td_listed(&schema)))) return text;
  td_batch batch = batch_of(schema, rows);
  td_result *result = td_reduce_reduce(&td_the_reduce, (td_list){(uint32_t[]){batch.num_rows}, 1}, batch);
  if (!has_failed(result)) say_rows("", result->batch, schema);
  return text;
}

const char *td_try_aggregate(const char *columns, td_values rows) {
  begin();
  td_schema schema = schema_of(columns);
  td_result *result = td_aggregate_open(&td_the_aggregate, listed(config), td_listed(&schema));
  if (has_failed(result)) return text;
  td_schema total = td_fields(result->plan.first), produces = td_fields(result->plan.second);
  td_batch batch = batch_of(schema, rows);
  uint32_t ends[2] = {batch.num_rows / 2, batch.num_rows}, num_halves = batch.num_rows > 1 ? 2 : 1;
  td_list halves = {ends + 2 - num_halves, num_halves};
  result = td_aggregate_accumulate(&td_the_aggregate, halves, batch);
  if (has_failed(result)) return text;
  td_rows collected;
  td_read(result->batch, &total, NULL, NULL, NULL, &collected);
  td_batch parts = batch_of(total, (td_values){collected.values, collected.num_rows * total.size});
  result = td_aggregate_merge(&td_the_aggregate, (td_list){&num_halves, 1}, parts);
  if (has_failed(result)) return text;
  td_read(result->batch, &total, NULL, NULL, NULL, &collected);
  td_batch whole = batch_of(total, (td_values){collected.values, collected.num_rows * total.size});
  result = td_aggregate_finish(&td_the_aggregate, whole);
  if (!has_failed(result)) say_rows("", result->batch, produces);
  return text;
}

const char *td_try_update(const char *key_columns, td_value key, const char *columns, td_values rows) {
  static td_batch state;
  static bool is_kept;
  begin();
  td_schema keys = schema_of(key_columns), schema = schema_of(columns);
  td_result *result = td_update_open(&td_the_update, listed(config), td_listed(&keys), td_listed(&schema));
  if (has_failed(result)) return text;
  td_schema kept = td_fields(result->plan.first), produces = td_fields(result->plan.second);
  td_batch batch = batch_of(schema, rows);
  if (!is_kept) {
    td_value *blank = td_alloc((kept.size + 1) * sizeof(td_value));
    memset(blank, 0, kept.size * sizeof(td_value));
    for (size_t i = 0; i < kept.size; i++) blank[i].type = (td_type)kept.fields[i].type;
    state = batch_of(kept, (td_values){blank, kept.size});
  }
  uint8_t known = is_kept, timed_out = 0;
  result = td_update_update(&td_the_update, batch_of(keys, (td_values){&key, 1}), (td_list){&batch.num_rows, 1}, batch, state,
                            (td_list){&known, 1}, (td_list){&timed_out, 1}, 0);
  if (has_failed(result)) return text;
  if (produces.size) say_rows("", result->updated.batch, produces);
  is_kept = *(const uint8_t *)result->updated.kept.data;
  if (is_kept) {
    td_rows after;
    say_rows("state: ", result->updated.states, kept);
    td_read(result->updated.states, &kept, NULL, NULL, NULL, &after);
    state = batch_of(kept, (td_values){after.values, kept.size});
  }
  return text;
}

const char *td_try_migrate(const char *key_columns, const char *columns, const char *earlier_columns, td_values states) {
  begin();
  td_schema keys = schema_of(key_columns), schema = schema_of(columns), earlier = schema_of(earlier_columns);
  td_result *result = td_update_open(&td_the_update, listed(config), td_listed(&keys), td_listed(&schema));
  if (has_failed(result)) return text;
  td_schema kept = td_fields(result->plan.first);
  result = td_migrate_state(&td_the_migrate, td_listed(&earlier), batch_of(earlier, states));
  if (!has_failed(result)) say_rows("state: ", result->batch, kept);
  return text;
}

const char *td_try_cogroup(const char *key_columns, td_value key, const char *left_columns, td_values left,
                           const char *right_columns, td_values right) {
  begin();
  td_schema keys = schema_of(key_columns), on_left = schema_of(left_columns), on_right = schema_of(right_columns);
  td_result *result =
      td_cogroup_open(&td_the_cogroup, listed(config), td_listed(&keys), td_listed(&on_left), td_listed(&on_right));
  if (has_failed(result)) return text;
  td_schema produces = td_fields(result->fields);
  td_batch left_batch = batch_of(on_left, left), right_batch = batch_of(on_right, right);
  result = td_cogroup_process(&td_the_cogroup, batch_of(keys, (td_values){&key, 1}), (td_list){&left_batch.num_rows, 1},
                              left_batch, (td_list){&right_batch.num_rows, 1}, right_batch);
  if (!has_failed(result)) say_rows("", result->cogrouped.batch, produces);
  return text;
}

#else
/* Nothing: a component needs no tests. */
typedef int td_nothing;
#endif
