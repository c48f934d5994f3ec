// `reduce`: two values of a key become one, associatively and commutatively. A plugin has one of them.

import { Answer, columnsAt, endAt, fieldsAt, textAt } from "./abi";
import { readConfig } from "./config";
import { Column, Field, Out, Row } from "./row";
import { begin, failCall, hasError, refusalIsError } from "./say";
import { Declared } from "./schema";

let combine: ((a: Row, b: Row) => Row) | null = null;
let values: Declared = new Declared("");
let opened: Field[] = [];

/** Combines two values of a key to a row with the columns of both; it has to be associative and commutative. */
export function reduce(columns: string, f: (a: Row, b: Row) => Row): void {
  values = new Declared(columns);
  combine = f;
}

/** What the host calls as `open`. */
export function reduceOpen(config: usize, configSize: usize, value: usize, valueSize: usize): usize {
  begin();
  opened = fieldsAt(value, valueSize);
  if (readConfig(textAt(config, configSize)) && values.read() && values.bind(opened)) {
    for (let i = 0; i < opened.length; i++) {
      if (values.order.indexOf(i) < 0) failCall(`the reducer has no field for column \`${opened[i].name}\``);
    }
  }
  return new Answer().text("").at();
}

/** A value of a batch. */
export function valueOf(columns: Column[], row: i32): Row {
  return values.one(columns, row);
}

/** What totals go into. */
export function totalsOut(): Out {
  return new Out(opened, "what a reduce answers");
}

/** Adds the total of a key, as the columns came in. */
export function addTotal(totals: Out, total: Row): void {
  const answer = new Row();
  for (let i = 0; i < opened.length && i < total.cells.length; i++) answer.cells.push(total.cells[values.order.indexOf(i)]);
  if (!refusalIsError()) totals.emit(answer);
}

/** The answer with these totals. */
export function answered(totals: Out): usize {
  return new Answer().batch(totals).at();
}

/** What the host calls as `reduce`. */
export function reduceReduce(ends: usize, numEnds: i32, numRows: i32, columns: usize, size: usize): usize {
  begin();
  const read = columnsAt(columns, size);
  const totals = totalsOut();
  for (let key = 0; key < numEnds && !hasError(); key++) {
    let row = endAt(ends, key - 1);
    let total = valueOf(read, row);
    for (row++; row < endAt(ends, key) && !refusalIsError(); row++) total = combine!(total, valueOf(read, row));
    addTotal(totals, total);
  }
  return answered(totals);
}
