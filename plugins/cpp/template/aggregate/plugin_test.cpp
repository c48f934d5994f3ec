#include "plugin.cpp"

#include <cassert>

int main() {
  Prices left, right;
  left.add(2.5);
  right.add(3.5);
  left.merge(right);
  assert(left.finish().mean == 3);
}
