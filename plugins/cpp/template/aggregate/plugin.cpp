// The mean of prices, through a sum and a count.

#include <tidemill.hpp>

struct Mean {
  double mean = 0;
};
TIDEMILL_ROW(Mean, mean)

// What the host keeps while it collects prices.
struct Prices {
  double sum = 0;
  std::int64_t count = 0;

  void add(double price) { sum += price, count++; }
  void merge(const Prices& other) { sum += other.sum, count += other.count; }
  Mean finish() const { return {sum / static_cast<double>(count)}; }
};
TIDEMILL_ROW(Prices, sum, count)
TIDEMILL_AGGREGATE(Prices)
