// `migrate`: functions that make a state of one that an earlier version of the plugin kept.
//
// Each is bound to the columns that were kept by what it declares as `from`; the first that has exactly these is called for
// every state.

import { Failure } from './errors.js';
import { RowType } from './rows.js';

/** The functions of earlier states that a plugin has. */
export class Migrations {
  constructor(given = []) {
    this.given = given;
  }

  /** The interfaces of the contract that they need. */
  get interfaces() {
    return this.given.length > 0 ? ['migrate-state'] : [];
  }

  /** Reads what is declared. */
  open() {
    this.earlier = this.given.map(({ from, each } = {}) => {
      if (typeof each !== 'function') throw new Failure('a migration has to have a function `each`');
      return { row: new RowType(from, '`from`'), each };
    });
  }

  /** Answers a state of the type `state` for each of `states`, whose columns are those of the schema `earlier`. */
  migrate(earlier, states, state) {
    for (const { row, each } of this.earlier) {
      const order = bound(row, earlier);
      if (order?.length !== earlier.fields.length) continue;
      const rows = row.read(states, order).map((old) => state.check(each(old), 'a state'));
      return state.build(rows);
    }
    throw new Failure(`no earlier version is known with this state; ${earlier}`);
  }
}

/** Where the columns of a type stand; undefined where they don't. */
function bound(row, schema) {
  try {
    return row.bind(schema);
  } catch (error) {
    if (error instanceof Failure) return undefined;
    throw error;
  }
}
