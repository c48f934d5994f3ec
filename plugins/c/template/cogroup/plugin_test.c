#include "plugin.c"

#include <tidemill_testing.h>

static const char *open_of(td_values prices, td_values amounts) {
  return td_try_cogroup("client: utf8", td_text("ann"), "price: float64", prices, "amount: float64", amounts);
}

int main(void) {
  td_expect(open_of(TD_VALUES(td_float(3)), TD_VALUES(td_float(1))), "2\n");
  td_expect(open_of(TD_VALUES(), TD_VALUES(td_float(1))), "");
  return 0;
}
