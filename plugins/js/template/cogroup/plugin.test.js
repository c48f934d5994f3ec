import assert from 'node:assert/strict';
import test from 'node:test';
import { cogroup } from 'tidemill-plugin/testing';
import { openOrders } from './plugin.js';

test('what is paid is not open', () => {
  const [price, amount] = [{ price: 3 }, { amount: 1 }];
  const keys = [['ann', [price], [amount]], ['bob', [price], []], ['cid', [], [amount]]];
  const rows = cogroup(openOrders, 'client: utf8', 'price: float64', 'amount: float64', keys);
  assert.deepEqual(rows, [{ client: 'ann', open: 2 }, { client: 'bob', open: 3 }]);
});
