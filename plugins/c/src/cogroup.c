/* `cogroup`: a key with its rows of two streams. */

#include "inside.h"

static td_schema key_schema, left_schema, right_schema;
static uint32_t *key_order, *left_order, *right_order;
static td_out out;

td_result *td_cogroup_open(const td_cogroup *spec, td_list config, td_list key, td_list left, td_list right) {
  td_result *result = td_begin_call();
  td_schema keys = td_fields(key), on_left = td_fields(left), on_right = td_fields(right), produces;
  if (!td_read_config(config) || !td_declare(&key_schema, spec->key) || !td_declare(&left_schema, spec->left) ||
      !td_declare(&right_schema, spec->right) || !td_declare(&produces, spec->produces) ||
      (spec->key && !td_bind(&key_schema, &keys, "the key", &key_order)) ||
      !td_bind(&left_schema, &on_left, "the left side", &left_order) ||
      !td_bind(&right_schema, &on_right, "the right side", &right_order))
    return td_answer(result);
  td_out_open(&out, produces);
  result->fields = td_listed(&produces);
  return td_answer(result);
}

static td_rows side(td_rows rows, td_list ends, size_t key) {
  size_t start = td_start(ends, key);
  return (td_rows){rows.values + start * rows.num_columns, td_end(ends, key) - start, rows.num_columns};
}

td_result *td_cogroup_process(const td_cogroup *spec, td_batch keys, td_list left_ends, td_batch left, td_list right_ends,
                              td_batch right) {
  td_result *result = td_begin_call();
  td_rows key_rows = {0}, left_rows, right_rows;
  td_out_begin(&out);
  if ((spec->key && !td_read(keys, &key_schema, key_order, NULL, NULL, &key_rows)) ||
      !td_read(left, &left_schema, left_order, NULL, NULL, &left_rows) ||
      !td_read(right, &right_schema, right_order, NULL, NULL, &right_rows))
    return td_answer(result);
  for (uint32_t key = 0; key < keys.num_rows && !td_refusal_is_error(); key++) {
    td_pair pair = {spec->key ? td_row(key_rows, key) : NULL, side(left_rows, left_ends, key), side(right_rows, right_ends, key)};
    out.origin = key;
    spec->each(&pair, &out);
  }
  td_refusal_is_error();
  result->cogrouped.batch = td_out_batch(&out);
  result->cogrouped.origins = td_out_origins(&out);
  return td_answer(result);
}
