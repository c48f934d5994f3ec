// `updateState` and `mapWithState`: a function of a key, its new values, and what is kept of it.

import { parseConfig } from './config.js';
import { Failure } from './errors.js';
import { Migrations } from './migrate.js';
import { Operator } from './operators.js';
import { Answers, RowType, groups } from './rows.js';

/** What is kept of a key, in a `mapWithState` function, which leaves it as it is unless it says otherwise. */
export class State {
  #value;
  #removed = false;

  constructor(value, isTimingOut = false) {
    this.#value = value;
    /** Whether the key had no data for too long: its state may not be changed, and is gone afterwards. */
    this.isTimingOut = isTimingOut;
  }

  /** What it is, undefined where there is none. */
  get() {
    return this.#value;
  }

  /** Whether there is one. */
  exists() {
    return this.#value !== undefined;
  }

  /** Makes it `value` from now on. */
  update(value) {
    this.#check('updated');
    this.#value = value;
  }

  /** Forgets the key. */
  remove() {
    this.#check('removed');
    this.#value = undefined;
    this.#removed = true;
  }

  #check(act) {
    if (this.isTimingOut) throw new Failure(`the state is ${act} while its key times out`);
    if (this.#removed) throw new Failure(`the state is ${act} after it was removed`);
  }
}

/** Called for each key with its new values and its state; answers the state, undefined to forget the key. */
export function updateState(spec) {
  return new Update(spec);
}

/** Called for each value of a key, and once without a value where the key timed out. */
export function mapWithState(spec) {
  return new Mapping(spec);
}

/** What the two have in common. */
class Keyed extends Operator {
  constructor(spec) {
    const migrations = new Migrations(spec.migrate);
    super(['update-state', ...migrations.interfaces]);
    Object.assign(this, { spec, migrations });
  }

  /** Answers a state for each of `states`, which an earlier version kept with the columns of the schema `earlier`. */
  migrate(earlier, states) {
    return this.migrations.migrate(earlier, states, this.state);
  }

  openKeyed(config, key, values, declared, name) {
    if (typeof this.spec[name] !== 'function') throw new Failure(`it has to have a function \`${name}\``);
    this.config = parseConfig(config, this.spec.config);
    this.key = this.spec.key === undefined ? undefined : new RowType(this.spec.key, '`key`');
    this.keyOrder = this.key?.bind(key, 'the key');
    this.value = new RowType(declared, 'the value');
    this.valueOrder = this.value.bind(values, 'the value');
    this.state = new RowType(this.spec.state, '`state`');
    this.migrations.open();
  }

  begin(input) {
    const states = this.state.read(input.states, undefined, (row) => input.known[row]);
    return {
      keys: this.key ? this.key.read(input.keys, this.keyOrder) : [],
      values: this.value.read(input.values, this.valueOrder),
      states: states.map((state, i) => (input.known[i] ? state : undefined)),
      groups: groups(input.ends),
    };
  }

  end(states, batch, origins) {
    const kept = states.map((state) => state !== undefined && state !== null);
    const blank = this.state.blank();
    const rows = states.map((state, i) => (kept[i] ? this.state.check(state, 'a state') : blank));
    return { states: this.state.build(rows), kept, batch, origins };
  }
}

class Update extends Keyed {
  open(config, key, values) {
    this.openKeyed(config, key, values, this.spec.values, 'update');
    return { state: this.state.fields, output: [] };
  }

  update(input) {
    const { keys, values, states, groups } = this.begin(input);
    const updated = groups.map(([start, end], i) => {
      if (input.timedOut[i] && start === end) return undefined;
      const given = { key: keys[i], values: values.slice(start, end), state: states[i], now: input.now };
      return this.spec.update(given, this.config);
    });
    return this.end(updated, { rows: 0, columns: [] }, []);
  }
}

class Mapping extends Keyed {
  open(config, key, values) {
    this.openKeyed(config, key, values, this.spec.value, 'each');
    this.row = new RowType(this.spec.produces, '`produces`');
    return { state: this.state.fields, output: this.row.fields };
  }

  update(input) {
    const { keys, values, states, groups } = this.begin(input);
    const answers = new Answers(this.row);
    const call = (i, value, state) => {
      answers.add(i, this.spec.each({ key: keys[i], value, state, now: input.now }, this.config));
      return state.get();
    };
    const updated = groups.map(([start, end], i) => {
      let kept = states[i];
      if (input.timedOut[i] && start === end) {
        call(i, undefined, new State(kept, true));
        return undefined;
      }
      for (let row = start; row < end; row++) kept = call(i, values[row], new State(kept));
      return kept;
    });
    return this.end(updated, answers.batch(), answers.origins);
  }
}
