// The higher of two prices; associative and commutative, as a reducer has to be.

#include <tidemill.hpp>

#include <algorithm>

double highest(double a, double b) { return std::max(a, b); }
TIDEMILL_REDUCE(highest)
