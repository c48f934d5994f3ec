// What is open of the prices on one side, less the amounts on the other.

#include <tidemill.hpp>

#include <numeric>

struct Open {
  double open = 0;
};
TIDEMILL_ROW(Open, open)

void open_orders(tidemill::AnyKey, std::span<const double> prices, std::span<const double> amounts,
                 tidemill::Out<Open>& out) {
  auto sum = [](std::span<const double> values) { return std::accumulate(values.begin(), values.end(), 0.0); };
  if (double open = sum(prices) - sum(amounts); open > 0) out.emit({open});
}
TIDEMILL_COGROUP(open_orders)
