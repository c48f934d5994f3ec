#include "plugin.cpp"

#include <cassert>

int main() {
  const double price[] = {3}, amount[] = {1};
  std::vector<Open> rows;
  tidemill::Out<Open> out(rows);
  open_orders({}, price, amount, out);
  open_orders({}, {}, amount, out);
  assert(rows.size() == 1 && rows[0].open == 2);
}
