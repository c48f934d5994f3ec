/* The larger of two pages, with its name; of two of a size, the name that comes first. */

#include <tidemill.h>

#include <string.h>

enum { PAGE, BYTES };

static bool comes_first(td_bytes a, td_bytes b) {
  int order = memcmp(a.data, b.data, a.size < b.size ? a.size : b.size);
  return order < 0 || (order == 0 && a.size < b.size);
}

static void largest(td_value *total, const td_value *value) {
  int64_t kept = total[BYTES].int64, other = value[BYTES].int64;
  if (other > kept || (other == kept && comes_first(value[PAGE].bytes, total[PAGE].bytes))) {
    total[PAGE] = value[PAGE];
    total[BYTES] = value[BYTES];
  }
}

TIDEMILL_REDUCE(.values = "page: utf8, bytes: int64", .combine = largest)
