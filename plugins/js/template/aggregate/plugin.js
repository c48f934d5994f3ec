// The mean of prices, through a sum and a count.

import { aggregate } from 'tidemill-plugin';

export const mean = aggregate({
  values: 'float64',
  accumulator: { sum: 'float64', count: 'int64' },
  produces: { mean: 'float64' },
  begin: () => ({ sum: 0, count: 0n }),
  add(total, price) {
    total.sum += price;
    total.count += 1n;
  },
  merge(total, other) {
    total.sum += other.sum;
    total.count += other.count;
  },
  finish: ({ sum, count }) => ({ mean: sum / Number(count) }),
});
