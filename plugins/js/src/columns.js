// Columns and batches, and the way between a column and an array of JavaScript values.
//
// int64 and timestamp (microseconds since 1970) are bigint, for a number holds 53 bits; float64 is a number, binary a
// Uint8Array, no value is null. What must stay true: a column that is built fits its field, whatever a plugin put in.

import { Failure } from './errors.js';
import { decode, encode } from './text.js';

/** The values of a column, null where there is none. */
export function readColumn({ dataType, values, valid }) {
  let list;
  if (dataType === 'utf8') list = decode(values.data, values.offsets);
  else if (dataType === 'binary') {
    list = Array.from({ length: values.offsets.length - 1 }, (_, i) => values.data.slice(values.offsets[i], values.offsets[i + 1]));
  } else list = Array.from(values);
  if (valid) for (let i = 0; i < list.length; i++) if (!valid[i]) list[i] = null;
  return list;
}

const BLANK = { boolean: false, int64: 0n, float64: 0, utf8: '', binary: new Uint8Array(0), timestamp: 0n };

/** The column of `field` that holds these values; undefined counts as null. */
export function buildColumn(field, list) {
  const { name, dataType, nullable } = field;
  let valid, values = list;
  const row = list.findIndex((value) => value === null || value === undefined);
  if (row >= 0) {
    if (!nullable) throw new Failure(`column \`${name}\` got no value in row ${row}; declare it as \`${dataType}?\``);
    valid = list.map((value) => value !== null && value !== undefined);
    values = list.map((value) => value ?? BLANK[dataType]);
  }
  for (const value of values) if (!FITS[dataType](value)) throw new Failure(misfit(field, value));
  return { dataType, values: BUILD[dataType](values), valid };
}

const MOST = 2n ** 63n;
const isInt64 = (value) =>
  typeof value === 'bigint' ? value >= -MOST && value < MOST : Number.isSafeInteger(value);

const FITS = {
  boolean: (value) => typeof value === 'boolean',
  int64: isInt64,
  float64: (value) => typeof value === 'number',
  utf8: (value) => typeof value === 'string',
  binary: (value) => value instanceof Uint8Array,
  timestamp: (value) => isInt64(value) || value instanceof Date,
};

const toBigInt = (value) => (typeof value === 'bigint' ? value : BigInt(value));
const toMicros = (value) => (value instanceof Date ? BigInt(value.getTime()) * 1000n : toBigInt(value));

const BUILD = {
  boolean: (list) => list,
  int64: (list) => BigInt64Array.from(list, toBigInt),
  float64: (list) => Float64Array.from(list),
  utf8: encode,
  binary: joined,
  timestamp: (list) => BigInt64Array.from(list, toMicros),
};

function joined(list) {
  const offsets = new Uint32Array(list.length + 1);
  list.forEach((bytes, i) => (offsets[i + 1] = offsets[i] + bytes.length));
  const data = new Uint8Array(offsets[list.length]);
  list.forEach((bytes, i) => data.set(bytes, offsets[i]));
  return { offsets, data };
}

function misfit({ name, dataType }, value) {
  const text = typeof value === 'string' ? JSON.stringify(value) : typeof value === 'bigint' ? `${value}n` : String(value);
  const shown = text.length > 80 ? `${text.slice(0, 80)}…` : text;
  return `column \`${name}\` is ${dataType}, which ${shown} doesn't fit`;
}
