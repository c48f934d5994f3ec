// `map`, `filter` and `flatMap`: a function of a row, whose members are the columns that it declares to read.

import { readColumn } from './columns.js';
import { parseConfig } from './config.js';
import { Failure, Reject } from './errors.js';
import { Operator } from './operators.js';
import { Answers, RowType, objects } from './rows.js';
import { fields } from './schema.js';

/** One row out for each row in. With `carry`, input columns stand before what is produced. */
export function map(spec) {
  return new Rows(spec, 'map');
}

/** Any number of rows out for each row in: an iterable of rows, a row, or nothing. */
export function flatMap(spec) {
  return new Rows(spec, 'flatMap');
}

/** Keeps the rows for which `each` answers true. All columns go on. */
export function filter(spec) {
  return new Rows(spec, 'filter');
}

class Rows extends Operator {
  constructor(spec, kind) {
    super(['transform']);
    Object.assign(this, { spec, kind });
  }

  open(config, schema) {
    const { spec, kind } = this;
    if (typeof spec.each !== 'function') throw new Failure(`a ${kind} has to have a function \`each\``);
    this.config = parseConfig(config, spec.config);
    this.reads = fields(spec.reads);
    const reads = this.reads.map((field) => schema.want(field.name, field.dataType));
    if (kind === 'filter') return { reads, carries: schema.allBut([]), produces: [] };
    this.row = new RowType(spec.produces, '`produces`');
    if (this.row.isPlain) throw new Failure("`produces` needs names; write columns such as { n: 'int64' }");
    const produces = this.row.fields;
    return { reads, carries: spec.carry ? schema.allBut(produces) : [], produces };
  }

  process(batch) {
    const lists = batch.columns.map(readColumn);
    const refused = this.nulls(lists);
    const rows = objects(this.reads, lists, batch.rows);
    const answers = new Answers(this.row);
    const rejects = [];
    const { each } = this.spec;
    for (let row = 0; row < rows.length; row++) {
      const reason = refused.get(row);
      if (reason !== undefined) {
        rejects.push({ row, reason });
        continue;
      }
      try {
        this.take(answers, row, each(rows[row], this.config));
      } catch (error) {
        if (!(error instanceof Reject)) throw error;
        rejects.push({ row, reason: error.message });
      }
    }
    const origins = this.kind === 'map' && rejects.length === 0 ? undefined : answers.origins;
    if (this.kind === 'filter') return { batch: { rows: answers.origins.length, columns: [] }, origins, rejects };
    return { batch: answers.batch(), origins, rejects };
  }

  take(answers, row, answer) {
    if (this.kind === 'filter') {
      if (typeof answer !== 'boolean') throw new Failure('a filter has to answer true or false');
      if (answer) answers.origins.push(row);
    } else if (this.kind === 'map') {
      answers.push(row, answer);
    } else answers.add(row, answer);
  }

  /** The rows that hold no value where one is needed. */
  nulls(lists) {
    const refused = new Map();
    this.reads.forEach((field, i) => {
      if (field.nullable || !lists[i].includes(null)) return;
      lists[i].forEach((value, row) => {
        if (value === null && !refused.has(row)) refused.set(row, `column \`${field.name}\` holds no value`);
      });
    });
    return refused;
  }
}
