// `aggregate`: values of one type, an accumulator, rows of a third.

import { parseConfig } from './config.js';
import { Failure } from './errors.js';
import { Operator } from './operators.js';
import { RowType, groups } from './rows.js';

/**
 * Collects the values of each key: `begin()` answers an accumulator, `add(accumulator, value)` and `merge(accumulator,
 * other)` change it or answer another, `finish(accumulator)` answers the row that comes out.
 */
export function aggregate(spec) {
  return new Aggregation(spec);
}

class Aggregation extends Operator {
  constructor(spec) {
    super(['aggregate']);
    this.spec = spec;
  }

  open(config, schema) {
    const missing = ['begin', 'add', 'merge', 'finish'].find((name) => typeof this.spec[name] !== 'function');
    if (missing) throw new Failure(`an aggregate has to have a function \`${missing}\``);
    this.config = parseConfig(config, this.spec.config);
    this.value = new RowType(this.spec.values, '`values`');
    this.order = this.value.bind(schema);
    this.row = new RowType(this.spec.accumulator, '`accumulator`');
    this.output = new RowType(this.spec.produces, '`produces`');
    return { accumulator: this.row.fields, output: this.output.fields };
  }

  accumulate(ends, values) {
    const rows = this.value.read(values, this.order);
    return this.collect(ends, (start, end) => {
      let total = this.spec.begin(this.config);
      for (let row = start; row < end; row++) total = this.spec.add(total, rows[row], this.config) ?? total;
      return total;
    });
  }

  merge(ends, accumulators) {
    const rows = this.row.read(accumulators);
    return this.collect(ends, (start, end) => {
      let total = rows[start];
      for (let row = start + 1; row < end; row++) total = this.spec.merge(total, rows[row], this.config) ?? total;
      return total;
    });
  }

  finish(accumulators) {
    const rows = this.row.read(accumulators).map((total) => this.spec.finish(total, this.config));
    return this.output.build(rows.map((row) => this.output.check(row, 'what `finish` answers')));
  }

  collect(ends, each) {
    const rows = groups(ends).map(([start, end]) => this.row.check(each(start, end), 'an accumulator'));
    return this.row.build(rows);
  }
}
