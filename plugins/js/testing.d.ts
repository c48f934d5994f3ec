/** Runs plugins natively on rows; columns are named as on the command line. */

import type { Operator } from './index.js';

type Row = Record<string, unknown>;

export function transform(plugin: Operator, columns: string, rows: Row[], config?: unknown):
  { rows: Row[]; rejects: [number, string][] };
export function reduce(plugin: Operator, columns: string, groups: Row[][], config?: unknown): Row[];
export function subtract(plugin: Operator, columns: string, totals: Row[], groups: Row[][], config?: unknown): Row[];
export function aggregate(plugin: Operator, columns: string, groups: Row[][], config?: unknown): Row[];
export function updateState(
  plugin: Operator, key: string, values: string, keys: [unknown, Row[]][],
  more?: { states?: (Row | undefined)[]; timedOut?: unknown[]; now?: bigint; config?: unknown },
): { states: (Row | undefined)[]; rows: Row[] };
export function cogroup(
  plugin: Operator, key: string, left: string, right: string, keys: [unknown, Row[], Row[]][], config?: unknown,
): Row[];
