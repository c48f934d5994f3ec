import assert from 'node:assert/strict';
import test from 'node:test';
import { reduce } from 'tidemill-plugin/testing';
import { highest } from './plugin.js';

test('each group becomes one row', () => {
  const groups = [[{ price: 2.5 }, { price: 3.5 }], [{ price: 99.5 }]];
  assert.deepEqual(reduce(highest, 'price: float64', groups), [{ price: 3.5 }, { price: 99.5 }]);
});
