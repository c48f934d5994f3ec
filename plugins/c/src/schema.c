/* Columns: as a plugin declares them, as the host has them, and where the one stand in the other. */

#include "inside.h"

#include <stdio.h>

static const char *const NAMES[] = {"boolean", "int64", "float64", "utf8", "binary", "timestamp"};

const char *td_type_name(uint8_t type) { return type < 6 ? NAMES[type] : "unknown"; }

static td_list trimmed(const char *start, const char *end) {
  while (start < end && *start == ' ') start++;
  while (end > start && end[-1] == ' ') end--;
  return (td_list){start, (size_t)(end - start)};
}

static td_list kept(td_list text) {
  char *copy = td_malloc(text.size + 1);
  memcpy(copy, text.data, text.size);
  copy[text.size] = 0;
  return (td_list){copy, text.size};
}

static bool read_type(td_list text, td_field *field) {
  const char *data = text.data;
  field->nullable = text.size > 0 && data[text.size - 1] == '?';
  size_t size = text.size - field->nullable;
  for (uint8_t type = 0; type < 6; type++) {
    field->type = type;
    if (strlen(NAMES[type]) == size && memcmp(NAMES[type], data, size) == 0) return true;
  }
  return td_error("`%.*s` is no type; the types are boolean, int64, float64, utf8, binary, timestamp, with a `?` behind one "
                  "that may be null", (int)text.size, data);
}

bool td_declare(td_schema *schema, const char *text) {
  *schema = (td_schema){0};
  if (!text) return true;
  size_t most = 1;
  for (const char *at = text; *at; at++) most += *at == ',';
  schema->fields = td_malloc(most * sizeof(td_field));
  schema->is_plain = !strchr(text, ':');
  for (const char *at = text; *at;) {
    const char *end = strchr(at, ',');
    if (!end) end = at + strlen(at);
    td_field field = {0};
    const char *colon = memchr(at, ':', (size_t)(end - at));
    if (schema->is_plain) field.name = (td_list){"state", 5};
    else if (colon) field.name = kept(trimmed(at, colon));
    else return td_error("`%.*s` is no column; write `name: type`", (int)(end - at), at);
    if (!read_type(trimmed(colon ? colon + 1 : at, end), &field)) return false;
    schema->fields[schema->size++] = field;
    at = *end ? end + 1 : end;
  }
  return true;
}

td_schema td_fields(td_list fields) {
  td_schema schema = {.size = fields.size, .fields = td_malloc(fields.size * sizeof(td_field))};
  for (size_t i = 0; i < fields.size; i++) {
    schema.fields[i] = ((const td_field *)fields.data)[i];
    schema.fields[i].name = kept(schema.fields[i].name);
  }
  return schema;
}

const char *td_tell(const td_schema *schema) {
  if (schema->size == 0) return "there are no columns";
  static const char BEGINNING[] = "the columns are: ";
  size_t size = sizeof(BEGINNING);
  for (size_t i = 0; i < schema->size; i++) size += schema->fields[i].name.size + 16;
  char *text = td_alloc(size), *at = text + sprintf(text, "%s", BEGINNING);
  for (size_t i = 0; i < schema->size; i++) {
    const td_field *field = &schema->fields[i];
    at += sprintf(at, "%s%.*s: %s%s", i ? ", " : "", (int)field->name.size, (const char *)field->name.data,
                  td_type_name(field->type), field->nullable ? "?" : "");
  }
  return text;
}

static bool find(const td_field *wanted, const td_schema *found, const char *in, const char *colon, uint32_t *index) {
  int size = (int)wanted->name.size;
  const char *name = wanted->name.data, *type = td_type_name(wanted->type);
  for (uint32_t i = 0; i < found->size; i++) {
    const td_field *field = &found->fields[i];
    if (field->name.size != wanted->name.size || memcmp(field->name.data, name, wanted->name.size)) continue;
    *index = i;
    if (field->type == wanted->type) return true;
    return td_error("%s%scolumn `%.*s` is %s, but %s is wanted; %s", in, colon, size, name, td_type_name(field->type), type,
                    td_tell(found));
  }
  return td_error("%s%sthere is no column `%.*s` of type %s; %s", in, colon, size, name, type, td_tell(found));
}

bool td_bind(const td_schema *declared, const td_schema *found, const char *what, uint32_t **order) {
  const char *in = what ? what : "", *colon = what ? ": " : "";
  *order = td_malloc(declared->size * sizeof(uint32_t));
  if (declared->is_plain) {
    (*order)[0] = 0;
    uint8_t type = declared->fields[0].type;
    if (found->size == 1 && found->fields[0].type == type) return true;
    return td_error("%s%sone column of type %s is wanted; %s", in, colon, td_type_name(type), td_tell(found));
  }
  for (size_t i = 0; i < declared->size; i++) {
    if (!find(&declared->fields[i], found, in, colon, &(*order)[i])) return false;
  }
  return true;
}

td_list td_listed(const td_schema *schema) { return (td_list){schema->fields, schema->size}; }
