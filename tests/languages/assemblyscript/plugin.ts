// The operators of the cases that every language passes; tests/plugins/case_* are the same in Rust.

import { aggregate } from "tidemill/aggregate";
import { cogroup } from "tidemill/cogroup";
import { configText, textOption } from "tidemill/config";
import { migrateState } from "tidemill/migrate";
import { reduce } from "tidemill/reduce";
import { Out, Row } from "tidemill/row";
import { reject } from "tidemill/say";
import { Key, mapWithState } from "tidemill/state";
import { flatMap } from "tidemill/transform";

const ALL = "b: boolean?, i: int64?, f: float64?, s: utf8?, y: binary?, t: timestamp?";

textOption("tag", "");

function allTypes(row: Row, out: Out): void {
  const s = row.isNull(3) ? "" : row.getText(3);
  if (s == "refuse") return reject("the row is refused");
  if (s == "fail") throw new Error("the function fails");
  const times = s == "nothing" ? 0 : s == "twice" ? 2 : 1;
  for (let i = 0; i < times; i++) {
    const answer = new Row().copy(row, 0).copy(row, 1).copy(row, 2);
    if (row.isNull(3)) answer.none();
    else answer.text(configText("tag") + s);
    out.emit(answer.copy(row, 4).copy(row, 5));
  }
}

flatMap(ALL, ALL, allTypes);

function combine(a: Row, b: Row): Row {
  if (a.getInt(0) == 13 && b.getInt(0) == 13) reject("13 twice");
  return new Row()
    .int(min(a.getInt(0), b.getInt(0)))
    .float(a.getFloat(1) + b.getFloat(1))
    .copy(a.isNull(2) ? b : a, 2);
}

reduce("least: int64, total: float64, first: utf8?", combine);

function merge(a: Row, b: Row): Row {
  if (a.getInt(2) == 0) return b;
  return new Row()
    .time(min(a.getTime(0), b.getTime(0)))
    .time(max(a.getTime(1), b.getTime(1)))
    .int(a.getInt(2) + b.getInt(2));
}

aggregate(
  "timestamp",
  "first: timestamp, last: timestamp, count: int64",
  "first: timestamp, micros: int64, count: int64",
  () => new Row().time(0).time(0).int(0),
  (total, time) => merge(total, new Row().copy(time, 0).copy(time, 0).int(1)),
  merge,
  (total) => new Row().copy(total, 0).int(total.getTime(1) - total.getTime(0)).copy(total, 2),
);

function addUp(key: Key, out: Out): void {
  const before = key.state, value = key.value;
  let sum: i64 = before === null ? 0 : before.getInt(0);
  if (value !== null) {
    if (value.getInt(0) == 0) return key.forget();
    if (value.getInt(0) == 13) reject(`13 at ${key.key.getText(0)}`);
    sum += value.getInt(0);
    const state = new Row().int(sum);
    if (!value.isNull(1)) state.copy(value, 1);
    else if (before !== null) state.copy(before, 1);
    else state.none();
    key.keep(state);
  }
  out.emit(new Row().int(sum).time(key.now));
}

mapWithState("utf8", "n: int64, note: utf8?", "sum: int64, last: utf8?", "sum: int64, at: timestamp", addUp);

migrateState("int64", (earlier) => {
  const sum = earlier.getInt(0);
  if (sum < 0) reject(`the sum ${sum} is negative`);
  return new Row().int(sum).none();
});
migrateState("total: float64, note: utf8?", (earlier) => new Row().int(<i64>earlier.getFloat(0)).copy(earlier, 1));

function beside(key: Row, left: Row[], right: Row[], out: Out): void {
  let sum: i64 = 0;
  for (let i = 0; i < left.length; i++) sum += left[i].getInt(0);
  for (let i = 0; i < right.length; i++) out.emit(new Row().int(sum).copy(right[i], 0));
  if (right.length == 0) out.emit(new Row().int(sum).none());
}

cogroup("", "int64", "utf8", "sum: int64, text: utf8?", beside);
