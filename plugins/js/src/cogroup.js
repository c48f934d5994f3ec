// `cogroup`: a function of a key and its rows of two streams.

import { parseConfig } from './config.js';
import { Failure } from './errors.js';
import { Operator } from './operators.js';
import { Answers, RowType, groups } from './rows.js';

/** `each({ key, left, right })` answers rows from the rows of a key in two streams, either of which may have none. */
export function cogroup(spec) {
  return new Cogroup(spec);
}

class Cogroup extends Operator {
  constructor(spec) {
    super(['cogroup']);
    this.spec = spec;
  }

  open(config, key, left, right) {
    if (typeof this.spec.each !== 'function') throw new Failure('a cogroup has to have a function `each`');
    this.config = parseConfig(config, this.spec.config);
    const side = (name, schema, what) => {
      if (name === 'key' && this.spec.key === undefined) return undefined;
      const row = new RowType(this.spec[name], `\`${name}\``);
      return { row, order: row.bind(schema, what) };
    };
    this.key = side('key', key, 'the key');
    this.left = side('left', left, 'the left side');
    this.right = side('right', right, 'the right side');
    this.row = new RowType(this.spec.produces, '`produces`');
    return this.row.fields;
  }

  process(keys, leftEnds, left, rightEnds, right) {
    const read = (side, batch) => side?.row.read(batch, side.order) ?? [];
    const [keyRows, leftRows, rightRows] = [read(this.key, keys), read(this.left, left), read(this.right, right)];
    const [onLeft, onRight] = [groups(leftEnds), groups(rightEnds)];
    const answers = new Answers(this.row);
    for (let i = 0; i < onLeft.length; i++) {
      const given = { key: keyRows[i], left: leftRows.slice(...onLeft[i]), right: rightRows.slice(...onRight[i]) };
      answers.add(i, this.spec.each(given, this.config));
    }
    return { batch: answers.batch(), origins: answers.origins };
  }
}
