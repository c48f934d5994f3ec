// `flatMap` and `filter`: a function of a row. A plugin has one of them.

import { Answer, columnsAt, fieldsAt, textAt } from "./abi";
import { readConfig } from "./config";
import { Field, Out, Row } from "./row";
import { begin, hasError, takeRefusal } from "./say";
import { Declared } from "./schema";

let each: ((row: Row, out: Out) => void) | null = null;
let keep: ((row: Row) => bool) | null = null;
let reads: Declared = new Declared("");
let produces: Declared = new Declared("");
let carry: bool = false;

/** Any number of rows out for each row in. With `carried`, input columns stand before what is produced, but for those of the same
 * name. */
export function flatMap(read: string, produced: string, f: (row: Row, out: Out) => void, carried: bool = false): void {
  reads = new Declared(read);
  produces = new Declared(produced);
  each = f;
  carry = carried;
}

/** Keeps the rows for which the function answers true, as they are. */
export function filter(read: string, f: (row: Row) => bool): void {
  reads = new Declared(read);
  keep = f;
  carry = true;
}

function carried(schema: Field[]): u32[] {
  const indices: u32[] = [];
  for (let i = 0; carry && i < schema.length; i++) {
    let isReplaced = false;
    for (let j = 0; j < produces.fields.length; j++) isReplaced = isReplaced || produces.fields[j].name == schema[i].name;
    if (!isReplaced) indices.push(i);
  }
  return indices;
}

/** What the host calls as `open`. */
export function transformOpen(config: usize, configSize: usize, input: usize, inputSize: usize): usize {
  begin();
  const schema = fieldsAt(input, inputSize);
  const order: u32[] = [];
  if (readConfig(textAt(config, configSize)) && reads.read() && produces.read() && reads.bind(schema)) {
    for (let i = 0; i < reads.order.length; i++) order.push(reads.order[i]);
  }
  // What is read comes in the order of its declaration.
  reads.inOrder();
  return new Answer().indices(order).indices(carried(schema)).fields(produces.fields).at();
}

/** What the host calls as `process`. */
export function transformProcess(numRows: i32, columns: usize, size: usize): usize {
  begin();
  const read = columnsAt(columns, size);
  const out = new Out(produces.fields);
  const rejects: u32[] = [], reasons: string[] = [];
  for (let i = 0; i < numRows && !hasError(); i++) {
    const row = reads.row(read, i), before = out.size, missing = reads.missing(row);
    out.origin = i;
    let reason: string | null = null;
    if (missing !== null) {
      reason = `column \`${missing}\` holds no value`;
    } else {
      if (keep === null) each!(row, out);
      else if (keep!(row)) out.emit(new Row());
      reason = takeRefusal();
    }
    if (reason !== null) {
      out.cut(before);
      rejects.push(i);
      reasons.push(reason);
    }
  }
  return new Answer().batch(out).word(1).indices(out.origins).reasons(rejects, reasons).at();
}
