// What each key has brought, from batch to batch.

import { updateState } from 'tidemill-plugin';

export const total = updateState({
  values: 'float64',
  state: 'float64',
  // undefined would forget the key.
  update: ({ values, state = 0 }) => values.reduce((sum, value) => sum + value, state),
});
