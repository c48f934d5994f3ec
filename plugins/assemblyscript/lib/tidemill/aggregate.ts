// `aggregate`: values are collected in an accumulator, accumulators are merged, and a row is made of one. A plugin has one
// of them.

import { Answer, columnsAt, endAt, fieldsAt, textAt } from "./abi";
import { readConfig } from "./config";
import { Out, Row } from "./row";
import { begin, hasError, refusalIsError } from "./say";
import { Declared } from "./schema";

let values: Declared = new Declared("");
let accumulator: Declared = new Declared("");
let produces: Declared = new Declared("");
let beginOne: (() => Row) | null = null;
let add: ((total: Row, value: Row) => Row) | null = null;
let merge: ((total: Row, other: Row) => Row) | null = null;
let finish: ((total: Row) => Row) | null = null;

/** Collects the values of a key in an accumulator, of which the row that comes out is made: `begun` answers the accumulator of a
 * key without values, `added` one with a value, `merged` one with what another one collected, `finished` the row. */
export function aggregate(
  valueColumns: string,
  accumulatorColumns: string,
  producedColumns: string,
  begun: () => Row,
  added: (total: Row, value: Row) => Row,
  merged: (total: Row, other: Row) => Row,
  finished: (total: Row) => Row,
): void {
  values = new Declared(valueColumns);
  accumulator = new Declared(accumulatorColumns);
  produces = new Declared(producedColumns);
  beginOne = begun;
  add = added;
  merge = merged;
  finish = finished;
}

/** What the host calls as `open`. */
export function aggregateOpen(config: usize, configSize: usize, value: usize, valueSize: usize): usize {
  begin();
  const isRead = readConfig(textAt(config, configSize)) && values.read() && accumulator.read() && produces.read();
  if (isRead) values.bind(fieldsAt(value, valueSize));
  accumulator.inOrder();
  return new Answer().fields(accumulator.fields).fields(produces.fields).at();
}

/** What the host calls as `accumulate`. */
export function aggregateAccumulate(ends: usize, numEnds: i32, numRows: i32, columns: usize, size: usize): usize {
  begin();
  const read = columnsAt(columns, size);
  const totals = new Out(accumulator.fields, "an accumulator");
  for (let key = 0; key < numEnds && !hasError(); key++) {
    let total = beginOne!();
    for (let row = endAt(ends, key - 1); row < endAt(ends, key) && !refusalIsError(); row++) {
      total = add!(total, values.one(read, row));
    }
    if (!refusalIsError()) totals.emit(total);
  }
  return new Answer().batch(totals).at();
}

/** What the host calls as `merge`. */
export function aggregateMerge(ends: usize, numEnds: i32, numRows: i32, columns: usize, size: usize): usize {
  begin();
  const read = columnsAt(columns, size);
  const totals = new Out(accumulator.fields, "an accumulator");
  for (let key = 0; key < numEnds && !hasError(); key++) {
    let row = endAt(ends, key - 1);
    let total = accumulator.one(read, row);
    for (row++; row < endAt(ends, key) && !refusalIsError(); row++) total = merge!(total, accumulator.one(read, row));
    if (!refusalIsError()) totals.emit(total);
  }
  return new Answer().batch(totals).at();
}

/** What the host calls as `finish`. */
export function aggregateFinish(numRows: i32, columns: usize, size: usize): usize {
  begin();
  const read = columnsAt(columns, size);
  const answers = new Out(produces.fields, "what is finished");
  for (let i = 0; i < numRows && !hasError(); i++) {
    const answer = finish!(accumulator.one(read, i));
    if (!refusalIsError()) answers.emit(answer);
  }
  return new Answer().batch(answers).at();
}
