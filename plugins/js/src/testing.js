// Runs plugins natively on rows, schema checks and all: rows are objects, columns are named as on the command line.
//
//   const { rows, rejects } = transform(isLarge, 'price: float64?, item: utf8', [{ price: 99.5, item: 'tea' }]);

import { buildColumn, readColumn } from './columns.js';
import { objects } from './rows.js';
import { Schema } from './schema.js';

/** Runs a `map`, `filter` or `flatMap` on rows with these columns. */
export function transform(plugin, columns, rows, config) {
  const schema = Schema.parse(columns);
  const plan = plugin.open(json(config), schema);
  const whole = batch(schema.fields, rows);
  const output = plugin.process({ rows: rows.length, columns: plan.reads.map((index) => whole.columns[index]) });
  const produced = unbatch(plan.produces, output.batch);
  const names = plan.carries.map((index) => schema.fields[index].name);
  const carried = (row) => Object.fromEntries(names.map((name) => [name, row[name] ?? null]));
  const origins = output.origins ? Array.from(output.origins) : rows.map((_, row) => row);
  return {
    rows: origins.map((origin, i) => ({ ...carried(rows[origin]), ...produced[i] })),
    rejects: (output.rejects ?? []).map(({ row, reason }) => [row, reason]),
  };
}

/** Runs a `reduce` on groups of rows, each of which becomes one. */
export function reduce(plugin, columns, groups, config) {
  const schema = Schema.parse(columns);
  plugin.open(json(config), schema);
  return unbatch(schema.fields, plugin.reduce(ends(groups), batch(schema.fields, groups.flat())));
}

/** Runs the inverse of a `reduce`: takes each group of rows out of a total. */
export function subtract(plugin, columns, totals, groups, config) {
  const { fields } = Schema.parse(columns);
  plugin.open(json(config), new Schema(fields));
  return unbatch(fields, plugin.subtract(batch(fields, totals), ends(groups), batch(fields, groups.flat())));
}

/** Runs an `aggregate`: collects each group of rows in two halves, merges these, and answers what came of it. */
export function aggregate(plugin, columns, groups, config) {
  const schema = Schema.parse(columns);
  const { output } = plugin.open(json(config), schema);
  const halves = groups.map((group) => {
    const middle = Math.floor(group.length / 2);
    return [group.slice(0, middle), group.slice(middle)].filter((half) => half.length > 0);
  });
  const collected = plugin.accumulate(ends(halves.flat()), batch(schema.fields, groups.flat()));
  return unbatch(output, plugin.finish(plugin.merge(ends(halves), collected)));
}

/**
 * Runs an `updateState` or `mapWithState` on keys with their new rows: `keys` are pairs of the value of the one key
 * column and an array of rows, `states` those that this answered for the same keys.
 */
export function updateState(plugin, key, values, keys, { states = [], timedOut = [], now = 0n, config } = {}) {
  const [keySchema, valueSchema] = [Schema.parse(key), Schema.parse(values)];
  const { state, output } = plugin.open(json(config), keySchema, valueSchema);
  const { name } = keySchema.fields[0];
  const [names, groups] = [keys.map(([value]) => value), keys.map(([, rows]) => rows)];
  const relaxed = state.map((field) => ({ ...field, nullable: true }));
  const answered = plugin.update({
    keys: batch(keySchema.fields, names.map((value) => ({ [name]: value }))),
    ends: ends(groups),
    values: batch(valueSchema.fields, groups.flat()),
    states: batch(relaxed, names.map((_, i) => states[i] ?? {})),
    known: names.map((_, i) => states[i] !== undefined && states[i] !== null),
    timedOut: names.map((value) => timedOut.includes(value)),
    now,
  });
  const rows = unbatch(output, answered.batch);
  return {
    states: unbatch(state, answered.states).map((state, i) => (answered.kept[i] ? state : undefined)),
    rows: Array.from(answered.origins, (origin, i) => ({ [name]: names[origin], ...rows[i] })),
  };
}

/** Runs the `migrate` of an `updateState` or `mapWithState` on states with these columns, of an earlier version. */
export function migrate(plugin, key, values, columns, states, config) {
  const { state } = plugin.open(json(config), Schema.parse(key), Schema.parse(values));
  const earlier = Schema.parse(columns);
  return unbatch(state, plugin.migrate(earlier, batch(earlier.fields, states)));
}

/** Runs a `cogroup` on keys with their rows of both sides: `[key, leftRows, rightRows]`. */
export function cogroup(plugin, key, left, right, keys, config) {
  const [keySchema, leftSchema, rightSchema] = [key, left, right].map((text) => Schema.parse(text));
  const fields = plugin.open(json(config), keySchema, leftSchema, rightSchema);
  const { name } = keySchema.fields[0];
  const [names, leftGroups, rightGroups] = [0, 1, 2].map((i) => keys.map((entry) => entry[i]));
  const { batch: rows, origins } = plugin.process(
    batch(keySchema.fields, names.map((value) => ({ [name]: value }))),
    ends(leftGroups),
    batch(leftSchema.fields, leftGroups.flat()),
    ends(rightGroups),
    batch(rightSchema.fields, rightGroups.flat()),
  );
  const found = unbatch(fields, rows);
  return Array.from(origins, (origin, i) => ({ [name]: names[origin], ...found[i] }));
}

function json(config) {
  return JSON.stringify(config ?? null);
}

function batch(fields, rows) {
  return { rows: rows.length, columns: fields.map((field) => buildColumn(field, rows.map((row) => row[field.name]))) };
}

function unbatch(fields, { rows, columns }) {
  return objects(fields, columns.map(readColumn), rows);
}

function ends(groups) {
  let end = 0;
  return Uint32Array.from(groups, (group) => (end += group.length));
}
