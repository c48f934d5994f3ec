/* Columns to rows of values, and rows to columns. What is built is kept and used again by the next call. */

#include "inside.h"

td_value td_null(void) { return (td_value){.is_null = true}; }
td_value td_bool(bool value) { return (td_value){.type = TD_BOOLEAN, .boolean = value}; }
td_value td_int(int64_t value) { return (td_value){.type = TD_INT64, .int64 = value}; }
td_value td_float(double value) { return (td_value){.type = TD_FLOAT64, .float64 = value}; }
td_value td_time(int64_t micros) { return (td_value){.type = TD_TIMESTAMP, .int64 = micros}; }
td_value td_text(const char *text) { return td_text_n(text, strlen(text)); }
td_value td_text_n(const char *data, size_t size) { return (td_value){.type = TD_UTF8, .bytes = {data, size}}; }
td_value td_binary(const void *data, size_t size) { return (td_value){.type = TD_BINARY, .bytes = {data, size}}; }
td_value td_join(td_value a, td_value b) {
  char *joined = td_alloc(a.bytes.size + b.bytes.size);
  if (a.bytes.size) memcpy(joined, a.bytes.data, a.bytes.size);
  if (b.bytes.size) memcpy(joined + a.bytes.size, b.bytes.data, b.bytes.size);
  a.bytes = (td_bytes){joined, a.bytes.size + b.bytes.size};
  return a;
}
bool td_equal(td_bytes a, td_bytes b) { return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0); }

static void read_column(const td_column *column, size_t num_rows, td_value *to, size_t step) {
  const uint32_t *offsets = column->offsets.data;
  const char *data = column->data.data;
  const uint8_t *valid = column->has_valid ? column->valid.data : NULL;
  for (size_t row = 0; row < num_rows; row++, to += step) {
    to->type = (td_type)column->type;
    to->is_null = valid && !valid[row];
    switch (to->type) {
      case TD_BOOLEAN: to->boolean = ((const uint8_t *)column->list.data)[row]; break;
      case TD_INT64:
      case TD_TIMESTAMP: to->int64 = ((const int64_t *)column->list.data)[row]; break;
      case TD_FLOAT64: to->float64 = ((const double *)column->list.data)[row]; break;
      case TD_UTF8:
      case TD_BINARY: to->bytes = (td_bytes){data + offsets[row], offsets[row + 1] - offsets[row]}; break;
    }
  }
}

bool td_read(td_batch batch, const td_schema *schema, const uint32_t *order, const uint8_t *known, int32_t *missing,
             td_rows *rows) {
  size_t width = schema->size, num_rows = batch.num_rows;
  const td_column *columns = batch.columns.data;
  td_value *values = td_alloc((width * num_rows + 1) * sizeof(td_value));
  *rows = (td_rows){values, num_rows, width};
  for (size_t row = 0; missing && row < num_rows; row++) missing[row] = -1;
  for (size_t i = 0; i < width; i++) {
    const td_column *column = &columns[order ? order[i] : i];
    read_column(column, num_rows, values + i, width);
    if (schema->fields[i].nullable || !column->has_valid) continue;
    for (size_t row = 0; row < num_rows; row++) {
      if (!values[row * width + i].is_null || (known && !known[row])) continue;
      if (!missing) return td_error("row %zu holds no value", row);
      if (missing[row] < 0) missing[row] = (int32_t)i;
    }
  }
  return true;
}

void td_out_open(td_out *out, td_schema schema) {
  *out = (td_out){.schema = schema, .columns = td_malloc(schema.size * sizeof(td_builder))};
  memset(out->columns, 0, schema.size * sizeof(td_builder));
}

void td_out_begin(td_out *out) {
  out->num_rows = 0;
  for (size_t i = 0; i < out->schema.size; i++) {
    td_builder *column = &out->columns[i];
    column->size = column->data_size = 0;
    column->has_nulls = false;
  }
}

static void make_room(td_builder *column) {
  if (column->size < column->capacity) return;
  column->capacity = column->capacity ? column->capacity * 2 : 256;
  /* One more, for offsets, and none is larger than 64 bits. */
  column->values = td_realloc(column->values, (column->capacity + 1) * sizeof(int64_t));
  column->valid = td_realloc(column->valid, column->capacity);
}

static void put_bytes(td_builder *column, td_bytes bytes) {
  size_t end = column->data_size + bytes.size;
  if (end > UINT32_MAX / 2) td_fail_at("tidemill", 0, "a column holds more than 2 GiB");
  if (end > column->data_capacity) {
    column->data_capacity = end * 2;
    column->data = td_realloc(column->data, column->data_capacity);
  }
  if (bytes.size) memcpy(column->data + column->data_size, bytes.data, bytes.size);
  column->data_size = end;
  uint32_t *offsets = column->values;
  offsets[0] = 0;
  offsets[column->size + 1] = (uint32_t)end;
}

static const char *told(const td_field *field) {
  return td_copy(field->name);
}

static void put(td_builder *column, const td_field *field, const td_value *value) {
  make_room(column);
  size_t at = column->size;
  static const td_value blank = {0};
  if (value->is_null) {
    if (!field->nullable) {
      const char *type = td_type_name(field->type);
      td_error("column `%s` got no value in row %zu; declare it as `%s?`", told(field), at, type);
    }
    column->has_nulls = true;
  } else if (value->type != field->type) {
    td_error("column `%s` is %s, which a value of type %s doesn't fit", told(field), td_type_name(field->type),
             td_type_name((uint8_t)value->type));
  }
  column->valid[at] = !value->is_null;
  if (value->is_null || value->type != field->type) value = &blank;
  switch ((td_type)field->type) {
    case TD_BOOLEAN: ((uint8_t *)column->values)[at] = value->boolean; break;
    case TD_INT64:
    case TD_TIMESTAMP: ((int64_t *)column->values)[at] = value->int64; break;
    case TD_FLOAT64: ((double *)column->values)[at] = value->float64; break;
    case TD_UTF8:
    case TD_BINARY: put_bytes(column, value->bytes); break;
  }
  column->size++;
}

void td_emit_row(td_out *out, const td_value *row, size_t num_values) {
  if (num_values != out->schema.size) {
    td_error("a row has %zu values, but %zu columns are declared", num_values, out->schema.size);
    return;
  }
  for (size_t i = 0; i < num_values; i++) put(&out->columns[i], &out->schema.fields[i], &row[i]);
  if (out->num_rows == out->origins_capacity) {
    out->origins_capacity = out->origins_capacity ? out->origins_capacity * 2 : 256;
    out->origins = td_realloc(out->origins, out->origins_capacity * sizeof(uint32_t));
  }
  out->origins[out->num_rows++] = out->origin;
}

void td_out_cut(td_out *out, size_t num_rows) {
  out->num_rows = num_rows;
  for (size_t i = 0; i < out->schema.size; i++) {
    td_builder *column = &out->columns[i];
    if (column->size <= num_rows) continue;
    column->size = num_rows;
    if (column->data) column->data_size = ((const uint32_t *)column->values)[num_rows];
  }
}

void td_out_blank(td_out *out) {
  td_value *row = td_alloc((out->schema.size + 1) * sizeof(td_value));
  memset(row, 0, out->schema.size * sizeof(td_value));
  for (size_t i = 0; i < out->schema.size; i++) row[i].type = (td_type)out->schema.fields[i].type;
  td_emit_row(out, row, out->schema.size);
}

static td_list list(const void *data, size_t size) {
  /* An empty list needs a place in memory as well. */
  static const int64_t nothing = 0;
  return (td_list){size ? data : &nothing, size};
}

td_batch td_out_batch(td_out *out) {
  static const uint32_t no_offsets[1] = {0};
  td_column *columns = td_alloc((out->schema.size + 1) * sizeof(td_column));
  memset(columns, 0, out->schema.size * sizeof(td_column));
  for (size_t i = 0; i < out->schema.size; i++) {
    td_builder *built = &out->columns[i];
    uint8_t type = out->schema.fields[i].type;
    columns[i].type = type;
    if (type == TD_UTF8 || type == TD_BINARY) {
      columns[i].offsets = (td_list){built->size ? built->values : no_offsets, built->size + 1};
      columns[i].data = list(built->data, built->data_size);
    } else {
      columns[i].list = list(built->values, built->size);
    }
    columns[i].has_valid = built->has_nulls;
    columns[i].valid = list(built->valid, built->has_nulls ? built->size : 0);
  }
  return (td_batch){(uint32_t)out->num_rows, list(columns, out->schema.size)};
}

td_list td_out_origins(const td_out *out) { return list(out->origins, out->num_rows); }
