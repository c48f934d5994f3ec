/** @file
 * Runs a plugin's operator natively on rows, schema checks and all: a test includes plugin.c and this.
 *
 *   td_expect(td_try_transform("line: utf8", TD_VALUES(td_text("To be"))), "to\nbe\n");
 *
 * What came out is a text: a line for each row, with `, ` between its values; `refused: …` for a row that is refused, `error:
 * …` for a call that failed, `state: …` for what is kept. */
#ifndef TIDEMILL_TESTING_H
#define TIDEMILL_TESTING_H

#include <tidemill.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Values of rows, one row after the other. */
typedef struct {
  const td_value *values; /**< the first of them */
  size_t size;            /**< how many there are */
} td_values;

/** The values of rows: `TD_VALUES(td_text("tea"), td_int(1), td_text("silk"), td_int(2))` are two rows of two columns. */
#define TD_VALUES(...) \
  ((td_values){(const td_value[]){td_null(), __VA_ARGS__} + 1, \
               sizeof((const td_value[]){td_null(), __VA_ARGS__}) / sizeof(td_value) - 1})

/** The config of the operators that are tried from now on, as JSON. */
void td_try_config(const char *json);
/** Runs a flat map or filter on rows with these columns, as on the command line. */
const char *td_try_transform(const char *columns, td_values rows);
/** Runs a reduce on rows, which become one. */
const char *td_try_reduce(const char *columns, td_values rows);
/** Runs an aggregate: collects rows in two halves, merges these, and answers what came of it. */
const char *td_try_aggregate(const char *columns, td_values rows);
/** Runs an operator with state on a key with its new values; its state is what the last call for any key kept, at first
 * none. */
const char *td_try_update(const char *key_columns, td_value key, const char *columns, td_values rows);
/** Runs the migration of states with these columns, of an earlier version. */
const char *td_try_migrate(const char *key_columns, const char *columns, const char *earlier_columns, td_values states);
/** Runs a cogroup on a key with its rows of both sides. */
const char *td_try_cogroup(const char *key_columns, td_value key, const char *left_columns, td_values left,
                           const char *right_columns, td_values right);

#ifdef __cplusplus
}
#endif

/** Ends the program where two texts aren't the same. */
#define td_expect(found, wanted) td_expect_at(__FILE__, __LINE__, found, wanted)
/** What `td_expect` calls. */
static inline void td_expect_at(const char *file, int line, const char *found, const char *wanted) {
  if (strcmp(found, wanted) == 0) return;
  fprintf(stderr, "%s:%d: wanted\n%sand it is\n%s", file, line, wanted, found);
  exit(1);
}

#endif
