// What index.d.ts says of each operator, for `tsc`: what is marked as wrong has to be, and nothing else may.

import { Reject, aggregate, cogroup, filter, flatMap, map, mapWithState, reduce, updateState } from 'tidemill-plugin';

export const splitWords = flatMap({
  reads: { line: 'utf8', x: 'int64?' },
  produces: { word: 'utf8', n: 'int64', m: 'float64?' },
  config: { most: 64, limit: Number },
  *each({ line, x }, { most, limit }) {
    const y: bigint | null = x;
    const l: number = limit + most;
    for (const word of line.split(/\s+/).filter(Boolean)) yield { word, n: 1n };
    // @ts-expect-error a wrong type
    line.foo;
  },
});
export const wrongAnswer = map({
  reads: { n: 'int64' },
  produces: { n: 'utf8' },
  // @ts-expect-error a wrong answer
  each: ({ n }) => ({ n }),
});

// @ts-expect-error no type
export const wrongType = map({ reads: { n: 'int' }, produces: {}, each: () => ({}) });
export const isLarge = filter({ reads: { price: 'float64' }, config: { limit: Number, currency: 'EUR' }, each: ({ price }, { limit }) => price > limit });
export const add = reduce({ values: 'int64', combine: (a, b) => a + b, subtract: (t, b) => t - b });
export const addRows = reduce({ values: { a: 'int64', s: 'utf8?' }, combine: (a, b) => ({ a: a.a + b.a, s: a.s ?? b.s }) });
export const mean = aggregate({
  values: 'float64', accumulator: { sum: 'float64', count: 'int64' }, produces: { mean: 'float64' },
  begin: () => ({ sum: 0, count: 0n }),
  add(total, value) { total.sum += value; total.count += 1n; },
  merge(total, other) { total.sum += other.sum; total.count += other.count; },
  finish: ({ sum, count }) => ({ mean: sum / Number(count) }),
});
export const runningSum = updateState({ values: 'int64', state: 'int64', update: ({ values, state = 0n }) => values.reduce((a, b) => a + b, state) });
export const visits = mapWithState({
  key: 'utf8', value: 'utf8', state: 'int64', produces: { visits: 'int64', at: 'timestamp' },
  each({ key, value, state, now }) {
    const visits = (state.get() ?? 0n) + 1n;
    if (state.isTimingOut || key === 'robot') return;
    state.update(visits);
    return { visits, at: now };
  },
});
export const migrating = mapWithState({
  value: 'int64', state: { sum: 'int64', count: 'int64' }, produces: {},
  each() {},
  migrate: [
    { from: 'int64', each: (sum) => ({ sum: sum + 1n, count: 1n }) },
    { from: { total: 'int64', note: 'utf8?' }, each: ({ total, note }) => ({ sum: total, count: note === null ? 0 : 1 }) },
    // @ts-expect-error a state of other columns
    { from: 'float64', each: (sum) => ({ sum: 1n }) },
  ],
});
export const openBills = cogroup({ left: 'float64', right: 'float64', produces: { open: 'float64' },
  each({ left, right }) {
    const sum = (values: number[]) => values.reduce((a, b) => a + b, 0);
    if (sum(left) > sum(right)) return { open: sum(left) - sum(right) };
    throw new Reject('nothing is open');
  },
});
