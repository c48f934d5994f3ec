/* What is open of the prices on one side, less the amounts on the other. */

#include <tidemill.h>

static double sum(td_rows rows) {
  double sum = 0;
  for (size_t i = 0; i < rows.num_rows; i++) sum += td_row(rows, i)->float64;
  return sum;
}

static void open_orders(const td_pair *pair, td_out *out) {
  double open = sum(pair->left) - sum(pair->right);
  if (open > 0) td_emit(out, td_float(open));
}

TIDEMILL_COGROUP(.left = "float64", .right = "float64", .produces = "open: float64", .each = open_orders)
