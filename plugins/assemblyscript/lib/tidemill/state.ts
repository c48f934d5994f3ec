// `updateState` and `mapWithState`: what is kept of a key from batch to batch. The host keeps it. A plugin has one of them.

import { Answer, columnsAt, endAt, fieldsAt, flagAt, textAt } from "./abi";
import { readConfig } from "./config";
import { Out, Row, blank } from "./row";
import { begin, failCall, hasError, refusalIsError } from "./say";
import { Declared } from "./schema";

/** A key with what is known of it. */
export class Key {
  /** The key; without columns where none is declared. */
  key: Row = new Row();
  /** Of `updateState`: its new values, in the order of arrival; there may be none. */
  values: Row[] = [];
  /** Of `mapWithState`: the value that it is called for; null where the key timed out. */
  value: Row | null = null;
  /** What is kept of it; null where there is none. */
  state: Row | null = null;
  /** Whether it had no data for too long: its state may not be changed, and is gone afterwards. */
  isTimingOut: bool = false;
  /** The batch's time, in microseconds since 1970, UTC. */
  now: i64 = 0;
  /** Whether it was forgotten by the function that runs. */
  isRemoved: bool = false;

  private mayChange(act: string): bool {
    if (this.isTimingOut) return failCall(`the state is ${act} while its key times out`);
    if (this.isRemoved) return failCall(`the state is ${act} after it was removed`);
    return true;
  }

  /** Makes this row the state of the key from now on. */
  keep(state: Row): void {
    if (this.mayChange("updated")) this.state = state;
  }

  /** Forgets the key. */
  forget(): void {
    if (!this.mayChange("removed")) return;
    this.state = null;
    this.isRemoved = true;
  }
}

let keys: Declared = new Declared("");
let values: Declared = new Declared("");
let states: Declared = new Declared("");
let produces: Declared = new Declared("");
let update: ((key: Key) => void) | null = null;
let each: ((key: Key, out: Out) => void) | null = null;

/** Called for each key with its new values and its state; keeps a state for it, or forgets it. `keyColumns` is "" where the key
 * isn't looked at. */
export function updateState(keyColumns: string, valueColumns: string, stateColumns: string, f: (key: Key) => void): void {
  keys = new Declared(keyColumns);
  values = new Declared(valueColumns);
  states = new Declared(stateColumns);
  update = f;
}

/** Called for each value of a key, and once without a value where the key timed out. */
export function mapWithState(
  keyColumns: string,
  valueColumns: string,
  stateColumns: string,
  producedColumns: string,
  f: (key: Key, out: Out) => void,
): void {
  keys = new Declared(keyColumns);
  values = new Declared(valueColumns);
  states = new Declared(stateColumns);
  produces = new Declared(producedColumns);
  each = f;
}

/** What states are put into, with their columns, once the operator is open. */
export function statesOut(): Out {
  return new Out(states.fields, "a state");
}

/** What the host calls as `open`. */
export function updateOpen(
  config: usize, configSize: usize, key: usize, keySize: usize, value: usize, valueSize: usize,
): usize {
  begin();
  if (readConfig(textAt(config, configSize)) && keys.read() && values.read() && states.read() && produces.read()) {
    if (keys.fields.length == 0 || keys.bind(fieldsAt(key, keySize), "the key")) {
      values.bind(fieldsAt(value, valueSize), "the value");
    }
  }
  states.inOrder();
  return new Answer().fields(states.fields).fields(produces.fields).at();
}

/** What the host calls as `update`. */
export function updateUpdate(
  keyRows: i32, keyColumns: usize, keySize: usize, ends: usize, numEnds: i32, numRows: i32, columns: usize, size: usize,
  stateRows: i32, stateColumns: usize, stateSize: usize, known: usize, numKnown: i32, timedOut: usize, numTimedOut: i32,
  now: i64,
): usize {
  begin();
  const keyRead = columnsAt(keyColumns, keySize), read = columnsAt(columns, size);
  const before = columnsAt(stateColumns, stateSize);
  const out = new Out(produces.fields);
  const after = statesOut(), kept: bool[] = [];
  for (let i = 0; i < keyRows && !hasError(); i++) {
    const start = endAt(ends, i - 1), end = endAt(ends, i);
    const key = new Key();
    key.key = keys.one(keyRead, i);
    key.now = now;
    if (flagAt(known, i)) key.state = states.one(before, i);
    out.origin = i;
    key.isTimingOut = flagAt(timedOut, i) && start == end;
    if (key.isTimingOut) {
      if (each !== null) each!(key, out);
      key.state = null;
    } else if (update !== null) {
      key.values = values.rows(read, start, end);
      update!(key);
    } else {
      for (let row = start; row < end && !refusalIsError(); row++) {
        key.value = values.one(read, row);
        key.isRemoved = false;
        each!(key, out);
      }
    }
    const state = key.state;
    if (refusalIsError()) break;
    kept.push(state !== null);
    if (state === null) after.put(blank(states.fields));
    else after.emit(state);
  }
  return new Answer().batch(after).flags(kept).batch(out).indices(out.origins).at();
}
