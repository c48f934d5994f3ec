/* The mean of prices, through a sum and a count. */

#include <tidemill.h>

enum { SUM, COUNT };

static void add(td_value *total, const td_value *price) {
  total[SUM].float64 += price->float64;
  total[COUNT].int64 += 1;
}

static void merge(td_value *total, const td_value *other) {
  total[SUM].float64 += other[SUM].float64;
  total[COUNT].int64 += other[COUNT].int64;
}

static void finish(const td_value *total, td_value *row) {
  row[0] = td_float(total[SUM].float64 / (double)total[COUNT].int64);
}

/* An accumulator begins with zeros; `.begin` would begin it otherwise. */
TIDEMILL_AGGREGATE(.values = "float64", .accumulator = "sum: float64, count: int64", .produces = "mean: float64",
                   .add = add, .merge = merge, .finish = finish)
