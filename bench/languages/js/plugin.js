// The word count of the benchmarks, in JavaScript: split, as rows, and a sum.

import { flatMap, reduce } from 'tidemill-plugin';

export const splitWords = flatMap({
  reads: { line: 'utf8' },
  produces: { word: 'utf8', n: 'int64' },
  each: ({ line }) => line.split(/\s+/).filter(Boolean).map((word) => ({ word, n: 1n })),
});

export const add = reduce({ values: 'int64', combine: (a, b) => a + b });
