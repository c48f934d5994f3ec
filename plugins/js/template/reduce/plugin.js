// The higher of two prices; associative and commutative, as a reducer has to be.

import { reduce } from 'tidemill-plugin';

export const highest = reduce({
  values: 'float64',
  combine: (a, b) => Math.max(a, b),
});
