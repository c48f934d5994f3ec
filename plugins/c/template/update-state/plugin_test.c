#include "plugin.c"

#include <tidemill_testing.h>

int main(void) {
  td_value tea = td_text("tea");
  td_expect(td_try_update("item: utf8", tea, "price: float64", TD_VALUES(td_float(2.5), td_float(3.5))), "state: 6\n");
  /* The state is the one before. */
  td_expect(td_try_update("item: utf8", tea, "price: float64", TD_VALUES(td_float(1))), "state: 7\n");
  return 0;
}
