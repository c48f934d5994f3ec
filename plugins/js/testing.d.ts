/**
 * Runs plugins natively on rows, schema checks and all; columns are named as on the command line.
 *
 * ```js
 * const { rows, rejects } = transform(isLarge, 'price: float64?, item: utf8', [{ price: 99.5, item: 'tea' }], { limit: 50 });
 * ```
 *
 * @packageDocumentation
 */

import type { Operator } from './index.js';

/** An object with a member a column. */
export type Row = Record<string, unknown>;

/** Runs a `map`, `filter` or `flatMap` on rows with these columns; answers those that come out and those refused. */
export function transform(plugin: Operator, columns: string, rows: Row[], config?: unknown):
  { rows: Row[]; rejects: [number, string][] };
/** Runs a `reduce` on groups of rows, each of which becomes one. */
export function reduce(plugin: Operator, columns: string, groups: Row[][], config?: unknown): Row[];
/** Runs the inverse of a `reduce`: takes each group of rows out of a total. */
export function subtract(plugin: Operator, columns: string, totals: Row[], groups: Row[][], config?: unknown): Row[];
/** Runs an `aggregate`: collects each group of rows in two halves, merges these, and answers what came of it. */
export function aggregate(plugin: Operator, columns: string, groups: Row[][], config?: unknown): Row[];
/**
 * Runs an `updateState` or `mapWithState` on keys with their new rows: `keys` are pairs of the value of the one key column
 * and its rows, `states` those that this answered for the same keys, undefined where there is none.
 */
export function updateState(
  plugin: Operator, key: string, values: string, keys: [unknown, Row[]][],
  more?: { states?: (Row | undefined)[]; timedOut?: unknown[]; now?: bigint; config?: unknown },
): { states: (Row | undefined)[]; rows: Row[] };
/** Runs the `migrate` of an `updateState` or `mapWithState` on states with these columns, of an earlier version. */
export function migrate(
  plugin: Operator, key: string, values: string, columns: string, states: Row[], config?: unknown,
): Row[];
/** Runs a `cogroup` on keys with their rows of both sides: `[key, leftRows, rightRows]`. */
export function cogroup(
  plugin: Operator, key: string, left: string, right: string, keys: [unknown, Row[], Row[]][], config?: unknown,
): Row[];
