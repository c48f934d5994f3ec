// `migrateState`: takes over the states of earlier versions. It stands beside `updateState` or `mapWithState`.

import { Answer, columnsAt, fieldsAt } from "./abi";
import { Row } from "./row";
import { begin, failCall, refusalIsError } from "./say";
import { Declared, told } from "./schema";
import { statesOut } from "./state";

class Migration {
  constructor(public from: Declared, public each: (earlier: Row) => Row) {}
}

const migrations: Migration[] = [];

/** Takes over states of an earlier version, which kept exactly the columns `from`: the function answers a state of now. It is
 * called for each state when a running pipeline is swapped to this version and its state has other columns; `reject` refuses
 * the swap. There may be several, for several earlier versions. */
export function migrateState(from: string, f: (earlier: Row) => Row): void {
  migrations.push(new Migration(new Declared(from), f));
}

/** What the host calls as `migrate`. */
export function migrateMigrate(from: usize, fromSize: usize, numRows: i32, columns: usize, size: usize): usize {
  begin();
  const kept = fieldsAt(from, fromSize);
  const states = statesOut();
  for (let i = 0; i < migrations.length; i++) {
    const earlier = migrations[i].from;
    if (!earlier.read()) return new Answer().at();
    if (!earlier.fits(kept)) continue;
    earlier.bind(kept);
    const read = columnsAt(columns, size);
    for (let row = 0; row < numRows && !refusalIsError(); row++) {
      const old = earlier.one(read, row);
      // Nothing is asked of a state that can't be one.
      if (refusalIsError()) break;
      const state = migrations[i].each(old);
      if (!refusalIsError()) states.emit(state);
    }
    return new Answer().batch(states).at();
  }
  failCall(`no earlier version is known with this state; ${told(kept)}`);
  return new Answer().at();
}
