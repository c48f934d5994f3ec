/* Tidemill plugins in C: a function of rows, and a macro that says which columns it reads and answers.
 *
 *   #include <tidemill.h>
 *
 *   static void shout(const td_value *row, td_out *out) {
 *     if (row[0].is_null) td_reject("no text");
 *     else td_emit(out, row[0], td_int(1));
 *   }
 *   TIDEMILL_FLAT_MAP(.reads = "line: utf8?", .produces = "line: utf8, n: int64", .each = shout)
 *
 * A row is an array of values in the order in which its columns are declared. Columns are declared as on the command
 * line, `name: type, name: type?`, where `?` lets a value be null; a type alone, such as "int64", stands for one
 * column of any name. What a function is given is there until it returns; what it emits or keeps is copied.
 * What must stay true: nothing that is kept in variables from call to call may show in an answer. */
#ifndef TIDEMILL_H
#define TIDEMILL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- values ---- */

/** The types that a value may have. */
typedef enum { TD_BOOLEAN, TD_INT64, TD_FLOAT64, TD_UTF8, TD_BINARY, TD_TIMESTAMP } td_type;

/** Bytes of a text or of binary data; there is no zero behind them. */
typedef struct {
  const char *data;
  size_t size;
} td_bytes;

/** One value of a row; which member counts is told by `type`. */
typedef struct {
  td_type type;
  bool is_null;
  union {
    bool boolean;
    int64_t int64; /* also a timestamp: microseconds since 1970, UTC */
    double float64;
    td_bytes bytes; /* of utf8 and binary */
  };
} td_value;

/** No value, of any type. */
td_value td_null(void);
/** A boolean. */
td_value td_bool(bool value);
/** A whole number. */
td_value td_int(int64_t value);
/** A number with a fraction. */
td_value td_float(double value);
/** A timestamp: microseconds since 1970, UTC. */
td_value td_time(int64_t micros);
/** A text that ends with a zero. */
td_value td_text(const char *text);
/** A text of `size` bytes, which have to be UTF-8. */
td_value td_text_n(const char *data, size_t size);
/** Bytes of any kind. */
td_value td_binary(const void *data, size_t size);
/** A text as `printf` would write it. */
td_value td_format(const char *format, ...) __attribute__((format(printf, 1, 2)));
/** Two texts or bytes, one after the other. */
td_value td_join(td_value a, td_value b);
/** Whether two texts or bytes are the same. */
bool td_equal(td_bytes a, td_bytes b);
/** Memory until the function that the host called returns. Never null. */
void *td_alloc(size_t size);

/** Rows, one after the other. */
typedef struct {
  const td_value *values;
  size_t num_rows;
  size_t num_columns;
} td_rows;

/** The row `index` of `rows`. */
static inline const td_value *td_row(td_rows rows, size_t index) { return rows.values + index * rows.num_columns; }

/* ---- what a function may say ---- */

/** Refuses the row that the function looks at, as `printf` would write the reason; of an operator on keys, fails the
 * key. The function should return afterwards: what it emitted is taken back. */
void td_reject(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** Fails the call, with file and line; does not return. The host finds the rows that it is about. */
#define td_fail(...) td_fail_at(__FILE__, __LINE__, __VA_ARGS__)
void td_fail_at(const char *file, int line, const char *format, ...)
    __attribute__((noreturn, format(printf, 3, 4)));

/** How much a line of the log matters. */
typedef enum { TD_TRACE, TD_DEBUG, TD_INFO, TD_WARN, TD_ERROR } td_level;

/** Writes a line to the host's log. */
void td_log(td_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** Adds to a counter of this operator in the host's metrics. */
void td_count(const char *name, uint64_t delta);

/** Rows that come out. */
typedef struct td_out td_out;
/** Puts out a row: a value for each column that is declared. */
#define td_emit(out, ...) \
  td_emit_row(out, (const td_value[]){__VA_ARGS__}, sizeof((const td_value[]){__VA_ARGS__}) / sizeof(td_value))
void td_emit_row(td_out *out, const td_value *row, size_t num_values);

/* ---- config ---- */

/** What an option of the manifest's `config` may be. */
typedef enum { TD_OPTION_TEXT = 1, TD_OPTION_INT, TD_OPTION_FLOAT, TD_OPTION_BOOL, TD_OPTION_JSON } td_option_type;

/** An option: its name, its type, and what it is where the manifest doesn't say. */
typedef struct {
  const char *name;
  td_option_type type;
  bool is_required;
  const char *text; /* of TD_OPTION_TEXT and TD_OPTION_JSON */
  int64_t integer;
  double number;
  bool boolean;
} td_option;

/* What is declared; nothing where nothing is. */
extern const td_option *const td_options;
extern const size_t td_num_options;

/** The value of an option that is declared with this type. */
const char *td_config_text(const char *name);
int64_t td_config_int(const char *name);
double td_config_float(const char *name);
bool td_config_bool(const char *name);
/** Any other value, as JSON. */
const char *td_config_json(const char *name);

/* ---- operators ---- */

/** `map`, `flat_map`, `filter`: a function of a row. */
typedef struct {
  const char *reads;    /* input columns */
  const char *produces; /* output columns */
  bool carry;           /* whether input columns stand before them, but for those of the same name */
  void (*each)(const td_value *row, td_out *out);
  bool (*keep)(const td_value *row); /* instead of `each` and `produces`: whether the row goes on, as it is */
} td_transform;

/** `reduce`: two values of a key become one; `subtract` takes one out again, and may be left out. */
typedef struct {
  const char *values;
  void (*combine)(td_value *total, const td_value *value);
  void (*subtract)(td_value *total, const td_value *value);
} td_reduce;

/** `aggregate`: values of one type, an accumulator, rows of a third. */
typedef struct {
  const char *values;
  const char *accumulator;
  const char *produces;
  void (*begin)(td_value *total);
  void (*add)(td_value *total, const td_value *value);
  void (*merge)(td_value *total, const td_value *other);
  void (*finish)(const td_value *total, td_value *row);
} td_aggregate;

/** A key with what is known of it. */
typedef struct {
  const td_value *key;   /* null where no key is declared */
  td_rows values;        /* of update_state: its new values, in the order of arrival; there may be none */
  const td_value *value; /* of map_with_state: the value that it is called for; null where the key timed out */
  const td_value *state; /* null where there is none */
  bool is_timing_out;    /* then the state may not be changed: it is gone afterwards */
  int64_t now;           /* the batch's time, in microseconds since 1970 */
} td_key;

/** Keeps these values as the state of the key. */
#define td_keep(key, ...) \
  td_keep_row(key, (const td_value[]){__VA_ARGS__}, sizeof((const td_value[]){__VA_ARGS__}) / sizeof(td_value))
void td_keep_row(td_key *key, const td_value *state, size_t num_values);
/** Forgets the state of the key. */
void td_forget(td_key *key);

/** `update_state` is called once for each key, `map_with_state` for each value, and once for a key that timed out. */
typedef struct {
  const char *key; /* may be left out, where the function doesn't look at it */
  const char *values;
  const char *state;
  const char *produces; /* of map_with_state */
  void (*update)(td_key *key);
  void (*each)(td_key *key, td_out *out);
} td_update;

/** A key with its rows of two streams, either of which may have none. */
typedef struct {
  const td_value *key;
  td_rows left;
  td_rows right;
} td_pair;

/** `cogroup`: two streams side by side, key by key. */
typedef struct {
  const char *key; /* may be left out, where the function doesn't look at it */
  const char *left;
  const char *right;
  const char *produces;
  void (*each)(const td_pair *pair, td_out *out);
} td_cogroup;

#ifdef __cplusplus
}
#endif

#include "tidemill_abi.h"

/* C++ has its own, in tidemill.hpp. */
#ifndef __cplusplus

/** Declares the options, once in a plugin: TIDEMILL_CONFIG({.name = "most", .type = TD_OPTION_INT, .integer = 64}) */
#define TIDEMILL_CONFIG(...) \
  static const td_option td_declared_options[] = {__VA_ARGS__}; \
  const td_option *const td_options = td_declared_options; \
  const size_t td_num_options = sizeof(td_declared_options) / sizeof(td_option);

/** Each is said once in a plugin at most, with the members of the struct above. */
#define TIDEMILL_FLAT_MAP(...) TD_THE(transform, __VA_ARGS__) TD_EXPORT_TRANSFORM
#define TIDEMILL_FILTER(...) TD_THE(transform, __VA_ARGS__) TD_EXPORT_TRANSFORM
#define TIDEMILL_REDUCE(...) TD_THE(reduce, __VA_ARGS__) TD_EXPORT_REDUCE
#define TIDEMILL_REDUCE_WITH_INVERSE(...) TD_THE(reduce, __VA_ARGS__) TD_EXPORT_REDUCE TD_EXPORT_INVERSE
#define TIDEMILL_AGGREGATE(...) TD_THE(aggregate, __VA_ARGS__) TD_EXPORT_AGGREGATE
#define TIDEMILL_UPDATE_STATE(...) TD_THE(update, __VA_ARGS__) TD_EXPORT_UPDATE
#define TIDEMILL_MAP_WITH_STATE(...) TD_THE(update, __VA_ARGS__) TD_EXPORT_UPDATE
#define TIDEMILL_COGROUP(...) TD_THE(cogroup, __VA_ARGS__) TD_EXPORT_COGROUP

#endif

#endif
