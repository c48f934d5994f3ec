/* What a plugin says: errors of a call, refusals, lines of the log, counts. */

#include "inside.h"

#include <stdio.h>

static td_list error, refusal;
static bool has_error, has_refusal;
static td_result result;

#ifdef __wasm__
__attribute__((import_module("tidemill:plugin/host@0.1.0"), import_name("log"))) void td_host_log(
    int32_t level, const void *data, size_t size);
__attribute__((import_module("tidemill:plugin/host@0.1.0"), import_name("count"))) void td_host_count(
    const void *data, size_t size, uint64_t delta);
#else
static void td_host_log(int32_t level, const void *data, size_t size) {
  static const char *const names[] = {"trace", "debug", "info", "warn", "error"};
  fprintf(stderr, "%s: %.*s\n", names[level], (int)size, (const char *)data);
}
static void td_host_count(const void *data, size_t size, uint64_t delta) {
  fprintf(stderr, "count: %.*s +%llu\n", (int)size, (const char *)data, (unsigned long long)delta);
}
#endif

#define WRITTEN(format, text) \
  va_list values; \
  va_start(values, format); \
  td_list text = td_write(format, values); \
  va_end(values)

td_list td_write(const char *format, va_list values) {
  va_list again;
  va_copy(again, values);
  int size = vsnprintf(NULL, 0, format, again);
  va_end(again);
  if (size < 0) return (td_list){"", 0};
  char *text = td_alloc((size_t)size + 1);
  vsnprintf(text, (size_t)size + 1, format, values);
  return (td_list){text, (size_t)size};
}

bool td_error(const char *format, ...) {
  WRITTEN(format, text);
  if (!has_error) error = text;
  has_error = true;
  return false;
}

bool td_has_error(void) { return has_error; }

void td_reject(const char *format, ...) {
  WRITTEN(format, text);
  if (!has_refusal) refusal = text;
  has_refusal = true;
}

bool td_take_refusal(td_list *reason) {
  bool was = has_refusal;
  *reason = refusal;
  has_refusal = false;
  return was;
}

bool td_refusal_is_error(void) {
  td_list reason;
  if (td_take_refusal(&reason)) td_error("%.*s", (int)reason.size, (const char *)reason.data);
  return has_error;
}

void td_fail_at(const char *file, int line, const char *format, ...) {
  va_list values;
  va_start(values, format);
  /* Not in the memory of a call: there may be none left. */
  static char text[1024];
  const char *slash = strrchr(file, '/');
  int size = line > 0 ? snprintf(text, sizeof(text), "%s:%d: ", slash ? slash + 1 : file, line) : 0;
  vsnprintf(text + size, sizeof(text) - (size_t)size, format, values);
  va_end(values);
  /* The host tells the last words of a call that traps. */
  td_host_log(TD_ERROR, text, strlen(text));
  abort();
}

void td_log(td_level level, const char *format, ...) {
  WRITTEN(format, text);
  td_host_log((int32_t)level, text.data, text.size);
}

void td_count(const char *name, uint64_t delta) { td_host_count(name, strlen(name), delta); }

td_value td_format(const char *format, ...) {
  WRITTEN(format, text);
  return td_text_n(text.data, text.size);
}

td_result *td_begin_call(void) {
  has_error = has_refusal = false;
  memset(&result, 0, sizeof(result));
  return &result;
}

td_result *td_answer(td_result *answer) {
  if (!has_error) return answer;
  memset(answer, 0, sizeof(*answer));
  answer->is_error = true;
  answer->error = error;
  return answer;
}
