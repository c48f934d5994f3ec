/* `reduce` and `inverse`: two values of a key become one, or one is taken out again. */

#include "inside.h"

static td_schema values_schema;
static uint32_t *order, *back;
static td_out out;

td_result *td_reduce_open(const td_reduce *spec, td_list config, td_list value) {
  td_result *result = td_begin_call();
  td_schema found = td_fields(value);
  if (!td_read_config(config) || !td_declare(&values_schema, spec->values) ||
      !td_bind(&values_schema, &found, NULL, &order))
    return td_answer(result);
  /* What comes out has the columns as they came. */
  back = td_malloc(found.size * sizeof(uint32_t));
  memset(back, 0xff, found.size * sizeof(uint32_t));
  for (uint32_t i = 0; i < values_schema.size; i++) back[order[i]] = i;
  for (size_t i = 0; i < found.size; i++) {
    if (back[i] != UINT32_MAX) continue;
    td_list name = found.fields[i].name;
    td_error("the reducer has no field for column `%.*s`", (int)name.size, (const char *)name.data);
  }
  td_out_open(&out, found);
  return td_answer(result);
}

static void emit(const td_value *total) {
  td_value *row = td_alloc((out.schema.size + 1) * sizeof(td_value));
  for (size_t i = 0; i < out.schema.size; i++) row[i] = total[back[i]];
  td_emit_row(&out, row, out.schema.size);
}

static td_result *combine(td_result *result, void (*function)(td_value *, const td_value *), const td_rows *totals,
                          td_list ends, td_rows rows) {
  size_t size = values_schema.size * sizeof(td_value);
  td_value *total = td_alloc(size);
  for (size_t key = 0; key < ends.size && !td_has_error(); key++) {
    size_t row = td_start(ends, key), end = td_end(ends, key);
    memcpy(total, totals ? td_row(*totals, key) : td_row(rows, row), size);
    for (row += !totals; row < end && !td_refusal_is_error(); row++) function(total, td_row(rows, row));
    if (!td_refusal_is_error()) emit(total);
  }
  result->batch = td_out_batch(&out);
  return td_answer(result);
}

td_result *td_reduce_reduce(const td_reduce *spec, td_list ends, td_batch values) {
  td_result *result = td_begin_call();
  td_rows rows;
  td_out_begin(&out);
  if (!td_read(values, &values_schema, order, NULL, NULL, &rows)) return td_answer(result);
  return combine(result, spec->combine, NULL, ends, rows);
}

td_result *td_reduce_subtract(const td_reduce *spec, td_batch totals, td_list ends, td_batch values) {
  td_result *result = td_begin_call();
  td_rows from, rows;
  td_out_begin(&out);
  if (!td_read(totals, &values_schema, order, NULL, NULL, &from) || !td_read(values, &values_schema, order, NULL, NULL, &rows))
    return td_answer(result);
  return combine(result, spec->subtract, &from, ends, rows);
}
