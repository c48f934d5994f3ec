import assert from 'node:assert/strict';
import test from 'node:test';
import { aggregate } from 'tidemill-plugin/testing';
import { mean } from './plugin.js';

test('each group becomes one row', () => {
  const groups = [[{ price: 2.5 }, { price: 3.5 }], [{ price: 99.5 }]];
  assert.deepEqual(aggregate(mean, 'price: float64', groups), [{ mean: 3 }, { mean: 99.5 }]);
});
