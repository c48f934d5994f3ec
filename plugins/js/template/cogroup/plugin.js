// What is open of the prices on one side, less the amounts on the other.

import { cogroup } from 'tidemill-plugin';

const sum = (values) => values.reduce((a, b) => a + b, 0);

export const openOrders = cogroup({
  left: 'float64',
  right: 'float64',
  produces: { open: 'float64' },
  each({ left, right }) {
    const rest = sum(left) - sum(right);
    return rest > 0 ? { open: rest } : undefined;
  },
});
