/* Configs: what a manifest gives a plugin, as JSON, checked against the options that it declares. */

#include "inside.h"

#include "json.h"

#include <stdio.h>

/* A plugin that declares none. */
__attribute__((weak)) const td_option *const td_options = NULL;
__attribute__((weak)) const size_t td_num_options = 0;

static td_option *given;

static const char *type_name(td_option_type type) {
  static const char *const names[] = {"nothing", "string", "integer", "number", "boolean", "any value"};
  return names[type];
}

static bool misfit(const td_option *option, const char *at, const char *end) {
  return td_error("config: `%s` is %.*s, but %s is wanted", option->name, (int)(end - at), at, type_name(option->type));
}

static bool read_option(td_option *option, const char *at, const char *end) {
  char *stop = NULL;
  option->is_required = false;
  switch (option->type) {
    case TD_OPTION_TEXT:
      if (*at != '"') return misfit(option, at, end);
      option->text = td_json_string(at);
      return true;
    case TD_OPTION_INT:
      option->integer = strtoll(at, &stop, 10);
      return stop == end || misfit(option, at, end);
    case TD_OPTION_FLOAT:
      option->number = strtod(at, &stop);
      return stop == end || misfit(option, at, end);
    case TD_OPTION_BOOL:
      option->boolean = *at == 't';
      return *at == 't' || *at == 'f' || misfit(option, at, end);
    case TD_OPTION_JSON: {
      size_t size = (size_t)(end - at);
      char *copy = td_malloc(size + 1);
      memcpy(copy, at, size);
      copy[size] = 0;
      option->text = copy;
      return true;
    }
  }
  return false;
}

static bool unknown(const char *name) {
  if (td_num_options == 0) return td_error("config: this plugin takes none");
  size_t size = 1;
  for (size_t i = 0; i < td_num_options; i++) size += strlen(td_options[i].name) + 4;
  char *names = td_alloc(size), *to = names;
  for (size_t i = 0; i < td_num_options; i++) to += sprintf(to, "%s`%s`", i ? ", " : "", td_options[i].name);
  return td_error("config: unknown field `%s`, expected %s%s", name, td_num_options > 1 ? "one of " : "", names);
}

bool td_read_config(td_list text) {
  given = td_malloc((td_num_options + 1) * sizeof(td_option));
  if (td_num_options) memcpy(given, td_options, td_num_options * sizeof(td_option));
  const char *at = td_json_skip(td_copy(text));
  if (*at == '{') {
    at = td_json_skip(at + 1);
    while (*at == '"') {
      char *name = td_json_string(at);
      at = td_json_end(at);
      if (!at || *(at = td_json_skip(at)) != ':') return td_error("config: not JSON");
      at = td_json_skip(at + 1);
      const char *end = td_json_end(at);
      if (!end) return td_error("config: not JSON");
      td_option *option = NULL;
      for (size_t i = 0; i < td_num_options; i++) {
        if (strcmp(given[i].name, name) == 0) option = &given[i];
      }
      if (!option) return unknown(name);
      if (!read_option(option, at, end)) return false;
      at = td_json_skip(end);
      if (*at == ',') at = td_json_skip(at + 1);
    }
    if (*at != '}') return td_error("config: not JSON");
  } else if (strcmp(at, "null") != 0) {
    return td_error("config: a table is wanted, not %s", at);
  }
  for (size_t i = 0; i < td_num_options; i++) {
    if (given[i].is_required) return td_error("config: missing field `%s`", given[i].name);
  }
  return true;
}

static const td_option *option_of(const char *name, td_option_type type) {
  for (size_t i = 0; given && i < td_num_options; i++) {
    if (strcmp(given[i].name, name) != 0) continue;
    if (given[i].type == type) return &given[i];
    td_fail_at("config", 0, "`%s` is declared as %s, not as %s", name, type_name(given[i].type), type_name(type));
  }
  td_fail_at("config", 0, "the plugin asks for the option `%s`, which it doesn't declare", name);
}

const char *td_config_text(const char *name) {
  const char *text = option_of(name, TD_OPTION_TEXT)->text;
  return text ? text : "";
}
int64_t td_config_int(const char *name) { return option_of(name, TD_OPTION_INT)->integer; }
double td_config_float(const char *name) { return option_of(name, TD_OPTION_FLOAT)->number; }
bool td_config_bool(const char *name) { return option_of(name, TD_OPTION_BOOL)->boolean; }
const char *td_config_json(const char *name) {
  const char *text = option_of(name, TD_OPTION_JSON)->text;
  return text ? text : "null";
}
