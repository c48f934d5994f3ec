// `cogroup`: a key with its rows of two streams. A plugin has one of them.

import { Answer, columnsAt, endAt, fieldsAt, textAt } from "./abi";
import { readConfig } from "./config";
import { Out, Row } from "./row";
import { begin, refusalIsError } from "./say";
import { Declared } from "./schema";

let keys: Declared = new Declared("");
let lefts: Declared = new Declared("");
let rights: Declared = new Declared("");
let produces: Declared = new Declared("");
let each: ((key: Row, left: Row[], right: Row[], out: Out) => void) | null = null;

/** Called for each key with its rows of two streams, either of which may have none. `keyColumns` is "" where the key isn't looked
 * at. */
export function cogroup(
  keyColumns: string,
  leftColumns: string,
  rightColumns: string,
  producedColumns: string,
  f: (key: Row, left: Row[], right: Row[], out: Out) => void,
): void {
  keys = new Declared(keyColumns);
  lefts = new Declared(leftColumns);
  rights = new Declared(rightColumns);
  produces = new Declared(producedColumns);
  each = f;
}

/** What the host calls as `open`. */
export function cogroupOpen(
  config: usize, configSize: usize, key: usize, keySize: usize, left: usize, leftSize: usize, right: usize, rightSize: usize,
): usize {
  begin();
  if (readConfig(textAt(config, configSize)) && keys.read() && lefts.read() && rights.read() && produces.read()) {
    if (keys.fields.length == 0 || keys.bind(fieldsAt(key, keySize), "the key")) {
      if (lefts.bind(fieldsAt(left, leftSize), "the left side")) rights.bind(fieldsAt(right, rightSize), "the right side");
    }
  }
  return new Answer().fields(produces.fields).at();
}

/** What the host calls as `process`. */
export function cogroupProcess(
  keyRows: i32, keyColumns: usize, keySize: usize, leftEnds: usize, numLeftEnds: i32, leftRows: i32, left: usize,
  leftSize: usize, rightEnds: usize, numRightEnds: i32, rightRows: i32, right: usize, rightSize: usize,
): usize {
  begin();
  const keyRead = columnsAt(keyColumns, keySize);
  const onLeft = columnsAt(left, leftSize), onRight = columnsAt(right, rightSize);
  const out = new Out(produces.fields);
  for (let i = 0; i < keyRows && !refusalIsError(); i++) {
    out.origin = i;
    const leftOfKey = lefts.rows(onLeft, endAt(leftEnds, i - 1), endAt(leftEnds, i));
    const rightOfKey = rights.rows(onRight, endAt(rightEnds, i - 1), endAt(rightEnds, i));
    each!(keys.one(keyRead, i), leftOfKey, rightOfKey, out);
  }
  refusalIsError();
  return new Answer().batch(out).indices(out.origins).at();
}
