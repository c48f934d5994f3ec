/** @file
 * Tidemill plugins in C: a function of rows, and a macro that says which columns it reads and answers.
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

/** The types that a column may have. */
typedef enum {
  TD_BOOLEAN,   /**< `boolean` */
  TD_INT64,     /**< `int64` */
  TD_FLOAT64,   /**< `float64` */
  TD_UTF8,      /**< `utf8` */
  TD_BINARY,    /**< `binary` */
  TD_TIMESTAMP, /**< `timestamp`: microseconds since 1970, UTC */
} td_type;

/** Bytes of a text or of binary data; there is no zero behind them. */
typedef struct {
  const char *data; /**< where they are */
  size_t size;      /**< how many there are */
} td_bytes;

/** One value of a row; which member counts is told by `type`. */
typedef struct {
  td_type type; /**< its type */
  bool is_null; /**< whether there is no value */
  /** The value. */
  union {
    bool boolean;   /**< of TD_BOOLEAN */
    int64_t int64;  /**< of TD_INT64, and of TD_TIMESTAMP: microseconds since 1970, UTC */
    double float64; /**< of TD_FLOAT64 */
    td_bytes bytes; /**< of TD_UTF8 and TD_BINARY */
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
  const td_value *values; /**< the values of the first row, then those of the next */
  size_t num_rows;        /**< how many rows there are */
  size_t num_columns;     /**< how many values a row has */
} td_rows;

/** The row `index` of `rows`. */
static inline const td_value *td_row(td_rows rows, size_t index) { return rows.values + index * rows.num_columns; }

/* ---- what a function may say ---- */

/** Refuses the row that the function looks at, with the reason for whoever reads the dead letters, as `printf` would write
 * it. Of an operator on keys it fails the key. The function should return afterwards; what it put out for the row is taken
 * back. */
void td_reject(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** Fails the call, with file and line, as `printf` would write the problem; does not return. The host finds the rows that it is
 * about. */
#define td_fail(...) td_fail_at(__FILE__, __LINE__, __VA_ARGS__)
/** What `td_fail` calls, with the place that it is told. */
void td_fail_at(const char *file, int line, const char *format, ...)
    __attribute__((noreturn, format(printf, 3, 4)));

/** How much a line of the log matters. */
typedef enum {
  TD_TRACE, /**< each step */
  TD_DEBUG, /**< for who looks for a fault */
  TD_INFO,  /**< what goes on */
  TD_WARN,  /**< what may be wrong; a call that fails tells the last of these */
  TD_ERROR, /**< what is wrong */
} td_level;

/** Writes a line to the host's log, as `printf` would; `printf` does so as well. */
void td_log(td_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** Adds `delta` to the counter `name` of this operator in the host's metrics. */
void td_count(const char *name, uint64_t delta);

/** Rows that come out. */
typedef struct td_out td_out;
/** Puts out a row: a value for each column that is declared. */
#define td_emit(out, ...) \
  td_emit_row(out, (const td_value[]){__VA_ARGS__}, sizeof((const td_value[]){__VA_ARGS__}) / sizeof(td_value))
/** What `td_emit` calls, with as many values as a row has. */
void td_emit_row(td_out *out, const td_value *row, size_t num_values);

/* ---- config ---- */

/** What an option of the manifest's `config` may be. */
typedef enum {
  TD_OPTION_TEXT = 1, /**< a text */
  TD_OPTION_INT,      /**< a whole number */
  TD_OPTION_FLOAT,    /**< a number */
  TD_OPTION_BOOL,     /**< true or false */
  TD_OPTION_JSON,     /**< anything, as JSON */
} td_option_type;

/** An option: its name, its type, and what it is where the manifest doesn't say. */
typedef struct {
  const char *name;    /**< its name in the manifest */
  td_option_type type; /**< its type */
  bool is_required;    /**< whether the manifest has to give it */
  const char *text;    /**< the default of TD_OPTION_TEXT and TD_OPTION_JSON */
  int64_t integer;     /**< the default of TD_OPTION_INT */
  double number;       /**< the default of TD_OPTION_FLOAT */
  bool boolean;        /**< the default of TD_OPTION_BOOL */
} td_option;

/** The options that TIDEMILL_CONFIG declares; without it there are none. */
extern const td_option *const td_options;
/** How many they are. */
extern const size_t td_num_options;

/** What the option `name` is, which is declared as TD_OPTION_TEXT. */
const char *td_config_text(const char *name);
/** What the option `name` is, which is declared as TD_OPTION_INT. */
int64_t td_config_int(const char *name);
/** What the option `name` is, which is declared as TD_OPTION_FLOAT. */
double td_config_float(const char *name);
/** What the option `name` is, which is declared as TD_OPTION_BOOL. */
bool td_config_bool(const char *name);
/** What the option `name` is, as JSON, which is declared as TD_OPTION_JSON. */
const char *td_config_json(const char *name);

/* ---- operators ---- */

/** What TIDEMILL_FLAT_MAP and TIDEMILL_FILTER are given. */
typedef struct {
  const char *reads;    /**< the input columns that the function is given */
  const char *produces; /**< the output columns that it puts out */
  bool carry;           /**< whether input columns stand before what is produced, but for those of the same name */
  void (*each)(const td_value *row, td_out *out); /**< puts out any number of rows for a row */
  bool (*keep)(const td_value *row); /**< of a filter, instead of `each` and `produces`: whether the row goes on, as it is */
} td_transform;

/** What TIDEMILL_REDUCE is given. */
typedef struct {
  const char *values; /**< the columns of the values */
  void (*combine)(td_value *total, const td_value *value); /**< makes of two values of a key one, in `total` */
  void (*subtract)(td_value *total, const td_value *value); /**< takes a value out of a total again */
} td_reduce;

/** What TIDEMILL_AGGREGATE is given. */
typedef struct {
  const char *values;      /**< the columns of the values */
  const char *accumulator; /**< the columns of an accumulator */
  const char *produces;    /**< the output columns */
  void (*begin)(td_value *total); /**< makes the accumulator of a key without values; left out, it is zeros */
  void (*add)(td_value *total, const td_value *value); /**< takes a value into the accumulator */
  void (*merge)(td_value *total, const td_value *other); /**< takes what another one collected into the accumulator */
  void (*finish)(const td_value *total, td_value *row); /**< makes the row that comes out */
} td_aggregate;

/** A key with what is known of it. */
typedef struct {
  const td_value *key;   /**< the key; null where it isn't declared */
  td_rows values;        /**< of TIDEMILL_UPDATE_STATE: its new values, in the order of arrival; there may be none */
  const td_value *value; /**< of TIDEMILL_MAP_WITH_STATE: the value that it is called for; null where the key timed out */
  const td_value *state; /**< what is kept of it; null where there is none */
  bool is_timing_out;    /**< whether it had no data for too long: its state may not be changed, and is gone afterwards */
  int64_t now;           /**< the batch's time, in microseconds since 1970, UTC */
} td_key;

/** Makes these values the state of the key from now on. */
#define td_keep(key, ...) \
  td_keep_row(key, (const td_value[]){__VA_ARGS__}, sizeof((const td_value[]){__VA_ARGS__}) / sizeof(td_value))
/** What `td_keep` calls, with as many values as a state has. */
void td_keep_row(td_key *key, const td_value *state, size_t num_values);
/** Forgets the key. */
void td_forget(td_key *key);

/** What TIDEMILL_UPDATE_STATE and TIDEMILL_MAP_WITH_STATE are given. */
typedef struct {
  const char *key;      /**< the columns of the key; left out where the function doesn't look at it */
  const char *values;   /**< the columns of the values */
  const char *state;    /**< the columns of the state */
  const char *produces; /**< of TIDEMILL_MAP_WITH_STATE: the output columns */
  void (*update)(td_key *key);            /**< of TIDEMILL_UPDATE_STATE: keeps a state for the key, or forgets it */
  void (*each)(td_key *key, td_out *out); /**< of TIDEMILL_MAP_WITH_STATE: looks at a value, and puts out any number of rows */
} td_update;

/** How states that an earlier version of the plugin kept become states of this one. */
typedef struct {
  const char *from; /**< exactly the columns that were kept */
  void (*each)(const td_value *earlier, td_value *state); /**< makes the state; what it refuses refuses the swap */
  size_t num_values; /**< how many values `each` writes; left out, it isn't checked */
} td_migration;

/** What TIDEMILL_MIGRATE_STATE is given. */
typedef struct {
  const td_migration *migrations; /**< one for each earlier version */
  size_t num_migrations;          /**< how many there are */
} td_migrate;

/** A key with its rows of two streams, either of which may have none. */
typedef struct {
  const td_value *key; /**< the key; null where it isn't declared */
  td_rows left;        /**< its rows of the one stream */
  td_rows right;       /**< its rows of the other stream */
} td_pair;

/** What TIDEMILL_COGROUP is given. */
typedef struct {
  const char *key;      /**< the columns of the key; left out where the function doesn't look at it */
  const char *left;     /**< the columns of the one stream's values */
  const char *right;    /**< the columns of the other stream's values */
  const char *produces; /**< the output columns */
  void (*each)(const td_pair *pair, td_out *out); /**< puts out any number of rows for a key */
} td_cogroup;

#ifdef __cplusplus
}
#endif

#include "tidemill_abi.h"

/* C++ has its own, in tidemill.hpp. */
#ifndef __cplusplus

/** Declares the options of the manifest's `config`, once in a plugin:
 * `TIDEMILL_CONFIG({.name = "most", .type = TD_OPTION_INT, .integer = 64})` */
#define TIDEMILL_CONFIG(...) \
  static const td_option td_declared_options[] = {__VA_ARGS__}; \
  const td_option *const td_options = td_declared_options; \
  const size_t td_num_options = sizeof(td_declared_options) / sizeof(td_option);

/** Any number of rows out for each row in: the members `reads`, `produces`, `each`, `carry` of a td_transform. Of this and
 * those below a plugin has one of each kind at most. */
#define TIDEMILL_FLAT_MAP(...) TD_THE(transform, __VA_ARGS__) TD_EXPORT_TRANSFORM
/** Keeps the rows for which the function answers true, as they are: the members `reads`, `keep` of a td_transform. */
#define TIDEMILL_FILTER(...) TD_THE(transform, __VA_ARGS__) TD_EXPORT_TRANSFORM
/** Combines two values of a key; it has to be associative and commutative: the members `values`, `combine` of a td_reduce. */
#define TIDEMILL_REDUCE(...) TD_THE(reduce, __VA_ARGS__) TD_EXPORT_REDUCE
/** The same with `subtract`, which takes a value out of a total again, so that a window that slides costs what enters and
 * leaves it. */
#define TIDEMILL_REDUCE_WITH_INVERSE(...) TD_THE(reduce, __VA_ARGS__) TD_EXPORT_REDUCE TD_EXPORT_INVERSE
/** Collects the values of a key in an accumulator, of which the row that comes out is made: the members of a td_aggregate. */
#define TIDEMILL_AGGREGATE(...) TD_THE(aggregate, __VA_ARGS__) TD_EXPORT_AGGREGATE
/** Called for each key with its new values and its state: the members `key`, `values`, `state`, `update` of a td_update. */
#define TIDEMILL_UPDATE_STATE(...) TD_THE(update, __VA_ARGS__) TD_EXPORT_UPDATE
/** Called for each value of a key, and once without a value where the key timed out: the members `key`, `values`, `state`,
 * `produces`, `each` of a td_update. */
#define TIDEMILL_MAP_WITH_STATE(...) TD_THE(update, __VA_ARGS__) TD_EXPORT_UPDATE
/** Takes over the states of earlier versions, beside one of the two above. It is given a td_migration for each, and called
 * for each state when a running pipeline is swapped to this version and its state has other columns:
 * `TIDEMILL_MIGRATE_STATE({.from = "int64", .each = from_sum})` */
#define TIDEMILL_MIGRATE_STATE(...) \
  static const td_migration td_declared_migrations[] = {__VA_ARGS__}; \
  TD_THE(migrate, td_declared_migrations, sizeof(td_declared_migrations) / sizeof(td_migration)) TD_EXPORT_MIGRATE
/** Called for each key with its rows of two streams, either of which may have none: the members of a td_cogroup. */
#define TIDEMILL_COGROUP(...) TD_THE(cogroup, __VA_ARGS__) TD_EXPORT_COGROUP

#endif

#endif
