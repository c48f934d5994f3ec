// What the README shows works as it stands there.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import * as testing from 'tidemill-plugin/testing';

const text = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const blocks = text.split('```js\n').slice(1).map((block) => block.split('```')[0]);

/** The module that a block is; it finds the SDK by its place. */
function module(block) {
  const found = block.replaceAll(/'(tidemill-plugin[^']*)'/g, (_, name) => JSON.stringify(import.meta.resolve(name)));
  return import(`data:text/javascript,${encodeURIComponent(found)}`);
}

const it = await module(blocks[0]);

test('the operators answer', () => {
  const words = testing.transform(it.splitWords, 'line: utf8', [{ line: 'to be' }]);
  assert.deepEqual(words.rows, [{ word: 'to', n: 1n }, { word: 'be', n: 1n }]);
  const rows = [{ price: 2.5, amount: 2n }, { price: 1, amount: null }];
  const totals = testing.transform(it.total, 'price: float64, amount: int64?', rows);
  assert.deepEqual(totals, { rows: [{ ...rows[0], total: 5 }], rejects: [[1, 'no amount']] });
  const three = [{ n: 1n }, { n: 2n }, { n: 3n }];
  assert.deepEqual(testing.reduce(it.add, 'n: int64', [three]), [{ n: 6n }]);
  assert.deepEqual(testing.subtract(it.add, 'n: int64', [{ n: 6n }], [three.slice(0, 1)]), [{ n: 5n }]);
  assert.deepEqual(testing.aggregate(it.mean, 'n: float64', [[{ n: 1 }, { n: 2 }]]), [{ mean: 1.5 }]);
  assert.deepEqual(testing.updateState(it.runningSum, 'k: utf8', 'n: int64', [['a', three]]).states, [{ state: 6n }]);
  const visits = testing.updateState(it.visits, 'k: utf8', 'url: utf8', [['a', [{ url: '/' }]]], { states: [{ state: 1n }] });
  assert.deepEqual(visits, { states: [{ state: 2n }], rows: [{ k: 'a', visits: 2n, at: 0n }] });
  const bills = testing.cogroup(it.openBills, 'k: utf8', 'n: float64', 'n: float64', [['a', [{ n: 3 }], [{ n: 1 }]]]);
  assert.deepEqual(bills, [{ k: 'a', open: 2 }]);
});

test('the test works', async () => {
  globalThis.isLarge = it.isLarge;
  const { rows, rejects } = await module(`${blocks[1]}\nexport { rows, rejects };`);
  assert.deepEqual({ rows, rejects }, { rows: [{ price: 99.5, item: 'tea' }], rejects: [] });
});
