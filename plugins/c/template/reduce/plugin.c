/* The higher of two prices; associative and commutative, as a reducer has to be. */

#include <tidemill.h>

static void highest(td_value *total, const td_value *value) {
  if (value->float64 > total->float64) *total = *value;
}

TIDEMILL_REDUCE(.values = "float64", .combine = highest)
