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
  let valid;
  const row = list.findIndex((value) => value === null || value === undefined);
  if (row >= 0) {
    if (!nullable) throw new Failure(`column \`${name}\` got no value in row ${row}; declare it as \`${dataType}?\``);
    valid = list.map((value) => value !== null && value !== undefined);
    list = list.map((value) => value ?? BLANK[dataType]);
  }
  return { dataType, values: BUILD[dataType](list, field), valid };
}

/** Whole numbers; what is stored is compared, because what doesn't fit is cut when it is stored. */
function wholeNumbers(list, field) {
  const numbers = new BigInt64Array(list.length);
  for (let i = 0; i < list.length; i++) {
    const value = list[i];
    if (typeof value === 'bigint') {
      numbers[i] = value;
      if (numbers[i] !== value) throw misfit(field, value);
    } else if (Number.isSafeInteger(value)) numbers[i] = BigInt(value);
    else if (field.dataType === 'timestamp' && value instanceof Date) numbers[i] = BigInt(value.getTime()) * 1000n;
    else throw misfit(field, value);
  }
  return numbers;
}

/** A check of each value by its type. */
function all(fits, build) {
  return (list, field) => {
    for (const value of list) if (!fits(value)) throw misfit(field, value);
    return build(list);
  };
}

const BUILD = {
  boolean: all((value) => typeof value === 'boolean', (list) => list),
  int64: wholeNumbers,
  float64: all((value) => typeof value === 'number', (list) => Float64Array.from(list)),
  utf8: all((value) => typeof value === 'string', encode),
  binary: all((value) => value instanceof Uint8Array, joined),
  timestamp: wholeNumbers,
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
  return new Failure(`column \`${name}\` is ${dataType}, which ${shown} doesn't fit`);
}
