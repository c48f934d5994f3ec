// What `map` and the like make of functions, natively, on rows.

import assert from 'node:assert/strict';
import test from 'node:test';
import * as plugin from '../src/index.js';
import { explain } from '../src/errors.js';
import { operatorsOf } from '../src/operators.js';
import * as testing from '../src/testing.js';

const { Reject, aggregate, cogroup, filter, flatMap, map, mapWithState, reduce, updateState } = plugin;

const splitWords = flatMap({
  reads: { line: 'utf8' },
  produces: { word: 'utf8', n: 'int64' },
  config: { most: 64 },
  *each({ line }, { most }) {
    for (const word of line.split(/\s+/).filter(Boolean)) {
      if (word.length > most) throw new Reject(`${word.length} characters`);
      yield { word, n: 1 };
    }
  },
});

test('a flatMap answers any number of rows, and nothing of a row refused half way', () => {
  const lines = [{ line: 'bé' }, { line: ' ' }, { line: 'or 日本語本語' }, { line: 'a\ud800' }];
  const { rows, rejects } = testing.transform(splitWords, 'line: utf8', lines, { most: 3 });
  assert.deepEqual(rows, [{ word: 'bé', n: 1n }, { word: 'a\ufffd', n: 1n }]);
  assert.deepEqual(rejects, [[2, '5 characters']]);
});

test('a map carries columns, and a row without a value that is needed is refused', () => {
  const total = map({
    reads: { price: 'float64', amount: 'int64?' },
    produces: { total: 'float64?' },
    carry: true,
    each: ({ price, amount }) => ({ total: amount === null ? undefined : price * Number(amount) }),
  });
  const rows = [{ item: 'tea', price: 2.5, amount: 2n }, { item: 'silk', price: null, amount: 1n }, { item: 'oil', price: 1, amount: null }];
  const answer = testing.transform(total, 'item: utf8, price: float64?, amount: int64?', rows);
  assert.deepEqual(answer.rows, [{ ...rows[0], total: 5 }, { ...rows[2], total: null }]);
  assert.deepEqual(answer.rejects, [[1, 'column `price` holds no value']]);
});

test('a filter answers true or false', () => {
  const large = filter({ reads: { n: 'int64' }, config: { limit: Number }, each: ({ n }, { limit }) => n > limit });
  assert.deepEqual(testing.transform(large, 'n: int64', [{ n: 1n }, { n: 3n }], { limit: 2 }).rows, [{ n: 3n }]);
  const wrong = filter({ reads: {}, each: () => 1 });
  assert.throws(() => testing.transform(wrong, 'n: int64', [{ n: 1n }]), /a filter has to answer true or false/);
});

test('values are reduced and taken out again', () => {
  const add = reduce({ values: 'int64', combine: (a, b) => a + b, subtract: (a, b) => a - b });
  assert.deepEqual(testing.reduce(add, 'n: int64', [[{ n: 1n }, { n: 2n }], [{ n: 4n }]]), [{ n: 3n }, { n: 4n }]);
  const rest = testing.subtract(add, 'n: int64', [{ n: 10n }, { n: 20n }], [[{ n: 1n }, { n: 2n }], []]);
  assert.deepEqual(rest, [{ n: 7n }, { n: 20n }]);
  assert.deepEqual([...operatorsOf({ add }).keys()], ['reduce', 'inverse']);
});

test('rows are reduced whatever the order of the columns', () => {
  const widen = reduce({
    values: { last: 'int64', first: 'int64' },
    combine: (a, b) => ({ first: a.first < b.first ? a.first : b.first, last: a.last > b.last ? a.last : b.last }),
  });
  const rows = [{ first: 3n, last: 3n }, { first: 1n, last: 2n }];
  assert.deepEqual(testing.reduce(widen, 'first: int64, last: int64', [rows]), [{ first: 1n, last: 3n }]);
  const spare = () => testing.reduce(widen, 'first: int64, last: int64, x: int64', []);
  assert.throws(spare, /the reducer has no field for column `x`/);
});

test('an aggregation is merged', () => {
  const mean = aggregate({
    values: { n: 'float64' },
    accumulator: { sum: 'float64', count: 'int64' },
    produces: { mean: 'float64' },
    begin: () => ({ sum: 0, count: 0n }),
    add: (total, { n }) => ({ sum: total.sum + n, count: total.count + 1n }),
    merge(total, other) {
      total.sum += other.sum;
      total.count += other.count;
    },
    finish: ({ sum, count }) => ({ mean: sum / Number(count) }),
  });
  const groups = [[{ n: 1 }, { n: 2 }, { n: 6 }], [{ n: 5 }]];
  assert.deepEqual(testing.aggregate(mean, 'n: float64', groups), [{ mean: 3 }, { mean: 5 }]);
});

test('a state goes from batch to batch and ends', () => {
  const sum = updateState({
    values: 'int64',
    state: 'int64',
    update: ({ values, state = 0n }) => values.reduce((a, b) => a + b, state) || undefined,
  });
  const run = (keys, states) => testing.updateState(sum, 'word: utf8', 'n: int64', keys, { states }).states;
  const first = run([['a', [{ n: 1n }, { n: 2n }]], ['b', [{ n: 5n }]]]);
  assert.deepEqual(first, [{ state: 3n }, { state: 5n }]);
  assert.deepEqual(run([['a', []], ['b', [{ n: -5n }]]], first), [{ state: 3n }, undefined]);
});

const visits = mapWithState({
  key: 'utf8',
  value: 'utf8',
  state: 'int64',
  produces: { visits: 'int64', at: 'timestamp' },
  each({ key, value, state, now }) {
    const visits = (state.get() ?? 0n) + 1n;
    if (state.isTimingOut || key === 'robot') return undefined;
    if (value === '/logout') state.remove();
    else state.update(visits);
    return { visits, at: now };
  },
});

test('a state is mapped a record at a time, and forgotten where its key times out', () => {
  const pages = (...pages) => pages.map((page) => ({ page }));
  const keys = [['ann', pages('/', '/logout', '/')], ['robot', pages('/')], ['bob', []]];
  const more = { states: [undefined, undefined, { state: 3n }], timedOut: ['bob'], now: -1n };
  const answer = testing.updateState(visits, 'who: utf8', 'page: utf8', keys, more);
  assert.deepEqual(answer.states, [{ state: 1n }, undefined, undefined]);
  assert.deepEqual(answer.rows, [1n, 2n, 1n].map((visits) => ({ who: 'ann', visits, at: -1n })));
});

test('a state that is changed after it was removed fails the call', () => {
  const wrong = mapWithState({
    value: 'int64', state: 'int64', produces: {},
    each({ state }) {
      state.remove();
      state.update(1n);
    },
  });
  const run = () => testing.updateState(wrong, 'who: utf8', 'n: int64', [['a', [{ n: 1n }]]]);
  assert.throws(run, /the state is updated after it was removed/);
});

test('states of earlier versions are migrated by their columns', () => {
  const stats = updateState({
    values: 'int64',
    state: { sum: 'int64', count: 'int64' },
    update: ({ values, state = { sum: 0n, count: 0n } }) => ({ sum: state.sum + (values[0] ?? 0n), count: state.count + 1n }),
    migrate: [
      {
        from: 'int64',
        each(sum) {
          if (sum < 0n) throw new Reject(`the sum ${sum} is negative`);
          return { sum, count: 1n };
        },
      },
      { from: { total: 'int64', note: 'utf8?' }, each: ({ total, note }) => ({ sum: total, count: note === null ? 0n : 1n }) },
    ],
  });
  const migrate = (columns, states) => testing.migrate(stats, 'word: utf8', 'n: int64', columns, states);
  assert.deepEqual(migrate('state: int64', [{ state: 7n }]), [{ sum: 7n, count: 1n }]);
  const old = [{ note: 'x', total: 1n }, { note: null, total: 2n }];
  assert.deepEqual(migrate('note: utf8?, total: int64', old), [{ sum: 1n, count: 1n }, { sum: 2n, count: 0n }]);
  assert.throws(() => migrate('state: int64', [{ state: -1n }]), /^Reject: the sum -1 is negative$/);
  assert.throws(() => migrate('state: int64?', [{ state: null }]), /row 0 holds no value/);
  const unknown = /no earlier version is known with this state; the columns are: total: int64, note: utf8, x: int64/;
  assert.throws(() => migrate('total: int64, note: utf8, x: int64', []), unknown);
  assert.deepEqual(stats.interfaces, ['update-state', 'migrate-state']);
  assert.deepEqual(visits.interfaces, ['update-state']);
  const wrong = updateState({ values: 'int64', state: 'int64', update: () => 1n, migrate: [{ from: 'int64' }] });
  const open = () => testing.migrate(wrong, 'word: utf8', 'n: int64', 'state: int64', []);
  assert.throws(open, /a migration has to have a function `each`/);
});

test('a cogroup sees both sides', () => {
  const open = cogroup({
    left: 'float64', right: 'float64', produces: { open: 'float64' },
    each({ left, right }) {
      const rest = [...left, ...right.map((n) => -n)].reduce((a, b) => a + b, 0);
      return rest > 0 ? { open: rest } : undefined;
    },
  });
  const row = (n) => ({ n });
  const keys = [['a', [row(3)], []], ['b', [], [row(1)]], ['c', [row(3), row(1)], [row(1)]]];
  const answer = testing.cogroup(open, 'who: utf8', 'n: float64', 'n: float64', keys);
  assert.deepEqual(answer, [{ who: 'a', open: 3 }, { who: 'c', open: 3 }]);
});

const TYPES = { b: 'boolean', i: 'int64', f: 'float64', s: 'utf8', y: 'binary', t: 'timestamp' };
const COLUMNS = Object.entries(TYPES).map(([name, type]) => `${name}: ${type}`).join(', ');

test('values come out as they went in', () => {
  const same = map({ reads: TYPES, produces: TYPES, each: (row) => row });
  const row = { b: true, i: -(2n ** 63n), f: Infinity, s: 'a\0日', y: new Uint8Array([255]), t: -1n };
  assert.deepEqual(testing.transform(same, COLUMNS, [row]).rows, [row]);
});

test('what does not fit is shown', () => {
  const answer = (type, value) => () => {
    const wrong = map({ reads: {}, produces: { n: type }, each: () => ({ n: value }) });
    return testing.transform(wrong, 'x: int64', [{ x: 1n }]).rows[0].n;
  };
  assert.throws(answer('int64', 2n ** 63n), /column `n` is int64, which 9223372036854775808n doesn't fit/);
  assert.throws(answer('int64', 1.5), /which 1.5 doesn't fit/);
  assert.throws(answer('utf8', 1), /column `n` is utf8, which 1 doesn't fit/);
  assert.throws(answer('utf8', null), /column `n` got no value in row 0; declare it as `utf8\?`/);
  assert.equal(answer('timestamp', new Date(-1))(), -1000n);
});

test('configs and declarations are checked', () => {
  const open = (config) => () => splitWords.open(config, plugin.Schema.parse('line: utf8'));
  assert.throws(open('{"mots": 1}'), /config: unknown field `mots`, expected `most`/);
  assert.throws(open('{"most": "x"}'), /config: `most` is "x", but number is wanted/);
  assert.throws(open('[1]'), /config: a table is wanted, not \[1\]/);
  const wrong = () => testing.transform(map({ reads: { n: 'int' }, produces: {}, each: () => ({}) }), 'n: int64', []);
  assert.throws(wrong, /`n` is `int`, which is no type/);
  const error = /column `line` is int64, but utf8 is wanted; the columns are: line: int64/;
  assert.throws(() => splitWords.open('null', plugin.Schema.parse('line: int64')), error);
});

test('an exception is told with its line, where that is known', () => {
  const place = (line) => (/operators\.test\.js/.test(line) ? 'here' : undefined);
  assert.equal(explain(new TypeError('no'), place), 'TypeError: no (here)');
  assert.equal(explain(new Reject('no'), place), 'no');
  assert.equal(explain('text', place), 'text');
});
