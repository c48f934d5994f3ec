/* What the files of the SDK share: memory of a call, errors, schemas, columns. */
#ifndef TIDEMILL_INSIDE_H
#define TIDEMILL_INSIDE_H

#include <tidemill.h>

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* ---- memory.c ---- */

/** `malloc` and `realloc` that fail the call rather than answer null. */
void *td_malloc(size_t size);
void *td_realloc(void *memory, size_t size);
/** A copy with a zero behind it, until the call ends. */
char *td_copy(td_list text);

/* ---- say.c ---- */

/** A text as `vprintf` would write it, until the call ends. */
td_list td_write(const char *format, va_list values);
/** Sets the error of the call, unless there is one; answers false. */
bool td_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/** Whether the call has an error. */
bool td_has_error(void);
/** Takes the reason of a refusal, null where there is none. */
bool td_take_refusal(td_list *reason);
/** Turns a refusal into the error of the call; whether there is an error. */
bool td_refusal_is_error(void);
/** Begins the answer of a call, and an `open` among them. */
td_result *td_begin_call(void);
/** The answer, or the error where there is one. */
td_result *td_answer(td_result *result);

/* ---- schema.c ---- */

/** Columns as they are declared, or as the host has them. Names are kept for ever. */
typedef struct {
  bool is_plain; /* declared as a type alone */
  size_t size;
  td_field *fields;
} td_schema;

/** The schema of a declaration; null stands for no columns. */
bool td_declare(td_schema *schema, const char *text);
/** The host's fields, copied. */
td_schema td_fields(td_list fields);
/** Where the columns of `declared` stand in `found`: an array of as many indices, kept for ever. `what` may be null. */
bool td_bind(const td_schema *declared, const td_schema *found, const char *what, uint32_t **order);
/** The fields as a list. */
td_list td_listed(const td_schema *schema);
/** The name of a type. */
const char *td_type_name(uint8_t type);
/** The columns, as an error tells them. */
const char *td_tell(const td_schema *schema);

/* ---- columns.c ---- */

/** The rows of a batch: the columns that stand at `order`, or all where it is null. Rows whose flag in `known` is false
 * are not looked at. Fails where a value is missing that `schema` needs, unless `missing` is there, which then gets the
 * column of the first that is missing in each row, or -1. */
bool td_read(td_batch batch, const td_schema *schema, const uint32_t *order, const uint8_t *known, int32_t *missing,
             td_rows *rows);

/** A column that is being built. */
typedef struct {
  size_t size, capacity;
  void *values; /* bytes of booleans, numbers of 64 bits, or offsets */
  char *data;
  size_t data_size, data_capacity;
  uint8_t *valid;
  bool has_nulls;
} td_builder;

struct td_out {
  td_schema schema;
  td_builder *columns;
  size_t num_rows;
  uint32_t *origins;
  size_t origins_capacity;
  uint32_t origin; /* of the rows that are put out now */
};

/** Sets up what rows of `schema` are put into; it is kept for ever. */
void td_out_open(td_out *out, td_schema schema);
/** Empties it for another call. */
void td_out_begin(td_out *out);
/** Takes back all rows from row `num_rows` on. */
void td_out_cut(td_out *out, size_t num_rows);
/** A row that means nothing. */
void td_out_blank(td_out *out);
/** The rows as a batch. */
td_batch td_out_batch(td_out *out);
/** The origins of the rows. */
td_list td_out_origins(const td_out *out);

/** Where the rows of key `index` begin and end. */
static inline size_t td_start(td_list ends, size_t index) { return index == 0 ? 0 : ((const uint32_t *)ends.data)[index - 1]; }
static inline size_t td_end(td_list ends, size_t index) { return ((const uint32_t *)ends.data)[index]; }

/* ---- update.c ---- */

/** What states are put into, with their columns, once the operator is open. */
td_out *td_states(void);

/* ---- config.c ---- */

/** Reads the config against the declared options. */
bool td_read_config(td_list text);

#endif
