// What each key has brought, from batch to batch.

import { Row } from "tidemill/row";
import { Key, updateState } from "tidemill/state";

export function total(key: Key): void {
  const before = key.state;
  let sum = before === null ? 0.0 : before.getFloat(0);
  for (let i = 0; i < key.values.length; i++) sum += key.values[i].getFloat(0);
  key.keep(new Row().float(sum)); // key.forget() would forget it
}

updateState("", "float64", "float64", total);
