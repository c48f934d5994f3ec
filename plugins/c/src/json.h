/* JSON, as far as a config needs it: what is at a place, and where it ends. */
#ifndef TIDEMILL_JSON_H
#define TIDEMILL_JSON_H

#include <stdbool.h>

/** Past white space. */
const char *td_json_skip(const char *at);
/** Past the value at `at`; null where there is none. */
const char *td_json_end(const char *at);
/** The string at `at`, without escapes; kept for ever. */
char *td_json_string(const char *at);

#endif
