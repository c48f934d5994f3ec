/* What each key has brought, from batch to batch. */

#include <tidemill.h>

static void total(td_key *key) {
  double sum = key->state ? key->state->float64 : 0;
  for (size_t i = 0; i < key->values.num_rows; i++) sum += td_row(key->values, i)->float64;
  td_keep(key, td_float(sum)); /* td_forget(key) would forget it */
}

TIDEMILL_UPDATE_STATE(.values = "float64", .state = "float64", .update = total)
