// The operators of the cases that every language passes; tests/plugins/case_* are the same in Rust.

import { Reject, aggregate, cogroup, flatMap, mapWithState, reduce } from 'tidemill-plugin';

const all = { b: 'boolean?', i: 'int64?', f: 'float64?', s: 'utf8?', y: 'binary?', t: 'timestamp?' };

export const allTypes = flatMap({
  reads: all,
  produces: all,
  config: { tag: '' },
  each(row, { tag }) {
    if (row.s === 'refuse') throw new Reject('the row is refused');
    if (row.s === 'fail') throw new Error('the function fails');
    if (row.s === 'nothing') return [];
    const answer = { ...row, s: row.s === null ? null : tag + row.s };
    return row.s === 'twice' ? [answer, answer] : answer;
  },
});

export const combine = reduce({
  values: { least: 'int64', total: 'float64', first: 'utf8?' },
  combine(a, b) {
    if (a.least === 13n && b.least === 13n) throw new Reject('13 twice');
    return { least: a.least < b.least ? a.least : b.least, total: a.total + b.total, first: a.first ?? b.first };
  },
});

const merge = (a, b) =>
  a.count === 0n
    ? b
    : { first: a.first < b.first ? a.first : b.first, last: a.last > b.last ? a.last : b.last, count: a.count + b.count };

export const span = aggregate({
  values: 'timestamp',
  accumulator: { first: 'timestamp', last: 'timestamp', count: 'int64' },
  produces: { first: 'timestamp', micros: 'int64', count: 'int64' },
  begin: () => ({ first: 0n, last: 0n, count: 0n }),
  add: (span, time) => merge(span, { first: time, last: time, count: 1n }),
  merge,
  finish: ({ first, last, count }) => ({ first, micros: last - first, count }),
});

export const addUp = mapWithState({
  key: 'utf8',
  value: { n: 'int64', note: 'utf8?' },
  state: { sum: 'int64', last: 'utf8?' },
  produces: { sum: 'int64', at: 'timestamp' },
  each({ key, value, state, now }) {
    const before = state.get() ?? { sum: 0n, last: null };
    if (value === undefined) return { sum: before.sum, at: now };
    if (value.n === 0n) return state.remove();
    if (value.n === 13n) throw new Reject(`13 at ${key}`);
    const sum = before.sum + value.n;
    state.update({ sum, last: value.note ?? before.last });
    return { sum, at: now };
  },
  migrate: [
    {
      from: 'int64',
      each(sum) {
        if (sum < 0n) throw new Reject(`the sum ${sum} is negative`);
        return { sum };
      },
    },
    { from: { total: 'float64', note: 'utf8?' }, each: ({ total, note }) => ({ sum: BigInt(total), last: note }) },
  ],
});

export const beside = cogroup({
  left: 'int64',
  right: 'utf8',
  produces: { sum: 'int64', text: 'utf8?' },
  each({ left, right }) {
    const sum = left.reduce((a, b) => a + b, 0n);
    return right.length > 0 ? right.map((text) => ({ sum, text })) : { sum };
  },
});
