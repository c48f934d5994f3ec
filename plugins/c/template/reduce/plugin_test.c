#include "plugin.c"

#include <tidemill_testing.h>

int main(void) {
  td_expect(td_try_reduce("price: float64", TD_VALUES(td_float(2.5), td_float(3.5), td_float(1))), "3.5\n");
  return 0;
}
