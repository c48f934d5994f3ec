// `reduce`: a function of two values that answers one, associative and commutative.

import { parseConfig } from './config.js';
import { Failure } from './errors.js';
import { Operator } from './operators.js';
import { RowType, groups } from './rows.js';

/**
 * Combines two values of a key, plain ones or rows of the same columns. `subtract` takes a value out of a total
 * again, so that a window that slides costs what enters and leaves it.
 */
export function reduce(spec) {
  return new Reduction(spec);
}

class Reduction extends Operator {
  constructor(spec) {
    super(spec.subtract ? ['reduce', 'inverse'] : ['reduce']);
    this.spec = spec;
  }

  open(config, schema) {
    if (typeof this.spec.combine !== 'function') throw new Failure('a reduce has to have a function `combine`');
    this.config = parseConfig(config, this.spec.config);
    this.row = new RowType(this.spec.values, '`values`');
    this.order = this.row.bind(schema);
    const spare = schema.fields.find((_, index) => !this.order.includes(index));
    if (spare) throw new Failure(`the reducer has no field for column \`${spare.name}\``);
    this.fields = this.order.map((index) => schema.fields[index]);
  }

  reduce(ends, values) {
    const rows = this.row.read(values, this.order);
    const total = ([start, end]) => {
      let total = rows[start];
      for (let row = start + 1; row < end; row++) total = this.spec.combine(total, rows[row], this.config);
      return total;
    };
    return this.batch(groups(ends).map(total));
  }

  subtract(totals, ends, values) {
    const [rows, from] = [this.row.read(values, this.order), this.row.read(totals, this.order)];
    const rest = ([start, end], i) => {
      let total = from[i];
      for (let row = start; row < end; row++) total = this.spec.subtract(total, rows[row], this.config);
      return total;
    };
    return this.batch(groups(ends).map(rest));
  }

  batch(rows) {
    rows.forEach((row) => this.row.check(row, 'what a reduce answers'));
    const built = this.row.build(rows, this.fields);
    const columns = [];
    this.order.forEach((index, i) => (columns[index] = built.columns[i]));
    return { rows: rows.length, columns };
  }
}
