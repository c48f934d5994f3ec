/* `aggregate`: values are collected in an accumulator, accumulators are merged, and a row is made of one. */

#include "inside.h"

static td_schema values_schema, accumulator;
static uint32_t *order;
static td_out collected, finished;

td_result *td_aggregate_open(const td_aggregate *spec, td_list config, td_list value) {
  td_result *result = td_begin_call();
  td_schema found = td_fields(value), produces;
  if (!td_read_config(config) || !td_declare(&values_schema, spec->values) || !td_declare(&accumulator, spec->accumulator) ||
      !td_declare(&produces, spec->produces) || !td_bind(&values_schema, &found, NULL, &order))
    return td_answer(result);
  td_out_open(&collected, accumulator);
  td_out_open(&finished, produces);
  result->plan.first = td_listed(&accumulator);
  result->plan.second = td_listed(&produces);
  return td_answer(result);
}

static td_value *blank(const td_schema *schema) {
  td_value *row = td_alloc((schema->size + 1) * sizeof(td_value));
  memset(row, 0, schema->size * sizeof(td_value));
  for (size_t i = 0; i < schema->size; i++) {
    row[i].type = (td_type)schema->fields[i].type;
    row[i].is_null = schema->fields[i].nullable;
  }
  return row;
}

td_result *td_aggregate_accumulate(const td_aggregate *spec, td_list ends, td_batch values) {
  td_result *result = td_begin_call();
  td_rows rows;
  td_out_begin(&collected);
  if (!td_read(values, &values_schema, order, NULL, NULL, &rows)) return td_answer(result);
  for (size_t key = 0; key < ends.size && !td_has_error(); key++) {
    td_value *total = blank(&accumulator);
    if (spec->begin) spec->begin(total);
    for (size_t row = td_start(ends, key); row < td_end(ends, key) && !td_refusal_is_error(); row++)
      spec->add(total, td_row(rows, row));
    if (!td_refusal_is_error()) td_emit_row(&collected, total, accumulator.size);
  }
  result->batch = td_out_batch(&collected);
  return td_answer(result);
}

td_result *td_aggregate_merge(const td_aggregate *spec, td_list ends, td_batch accumulators) {
  td_result *result = td_begin_call();
  td_rows rows;
  td_out_begin(&collected);
  if (!td_read(accumulators, &accumulator, NULL, NULL, NULL, &rows)) return td_answer(result);
  for (size_t key = 0; key < ends.size && !td_has_error(); key++) {
    td_value *total = blank(&accumulator);
    size_t row = td_start(ends, key);
    memcpy(total, td_row(rows, row), accumulator.size * sizeof(td_value));
    for (row++; row < td_end(ends, key) && !td_refusal_is_error(); row++) spec->merge(total, td_row(rows, row));
    if (!td_refusal_is_error()) td_emit_row(&collected, total, accumulator.size);
  }
  result->batch = td_out_batch(&collected);
  return td_answer(result);
}

td_result *td_aggregate_finish(const td_aggregate *spec, td_batch accumulators) {
  td_result *result = td_begin_call();
  td_rows rows;
  td_out_begin(&finished);
  if (!td_read(accumulators, &accumulator, NULL, NULL, NULL, &rows)) return td_answer(result);
  for (size_t row = 0; row < rows.num_rows && !td_has_error(); row++) {
    td_value *answer = blank(&finished.schema);
    spec->finish(td_row(rows, row), answer);
    if (!td_refusal_is_error()) td_emit_row(&finished, answer, finished.schema.size);
  }
  result->batch = td_out_batch(&finished);
  return td_answer(result);
}
