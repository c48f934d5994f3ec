import assert from 'node:assert/strict';
import test from 'node:test';
import { updateState } from 'tidemill-plugin/testing';
import { total } from './plugin.js';

test('a state grows from batch to batch', () => {
  const batch = (rows, states) => updateState(total, 'item: utf8', 'price: float64', [['tea', rows]], { states }).states;
  const first = batch([{ price: 2.5 }, { price: 3.5 }]);
  assert.deepEqual(first, [{ state: 6 }]);
  assert.deepEqual(batch([{ price: 1 }], first), [{ state: 7 }]);
});
