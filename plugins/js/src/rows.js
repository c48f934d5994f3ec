// Rows by declared columns: objects with a member a column, or plain values where one column is declared alone.

import { buildColumn, readColumn } from './columns.js';
import { Failure } from './errors.js';
import { field, fields } from './schema.js';

/** What columns a declaration stands for: `{ word: 'utf8' }` is a row, `'int64'` a plain value. */
export class RowType {
  constructor(declared, what) {
    if (typeof declared !== 'string' && (typeof declared !== 'object' || declared === null)) {
      throw new Failure(`${what} is not declared; write a type such as 'int64', or columns such as { n: 'int64' }`);
    }
    this.isPlain = typeof declared === 'string';
    this.fields = this.isPlain ? [field('state', declared)] : fields(declared);
  }

  /** Where its columns stand in `schema`; a plain value's may have any name. */
  bind(schema, what) {
    try {
      if (!this.isPlain) return this.fields.map((field) => schema.want(field.name, field.dataType));
      const wanted = this.fields[0].dataType;
      if (schema.fields.length !== 1 || schema.fields[0].dataType !== wanted) {
        throw new Failure(`one column of type ${wanted} is wanted; ${schema}`);
      }
      return [0];
    } catch (failure) {
      throw what && failure instanceof Failure ? new Failure(`${what}: ${failure.message}`) : failure;
    }
  }

  /** The rows of a batch whose columns for the fields stand at `order`; `counts` says which rows are looked at. */
  read(batch, order = this.fields.map((_, i) => i), counts = () => true) {
    const lists = order.map((index) => readColumn(batch.columns[index]));
    this.fields.forEach((field, i) => {
      const row = field.nullable ? -1 : lists[i].findIndex((value, row) => value === null && counts(row));
      if (row >= 0) throw new Failure(`row ${row} holds no value`);
    });
    return this.isPlain ? lists[0] : objects(this.fields, lists, batch.rows);
  }

  /** The batch of these rows; `fields` are theirs where they aren't those declared. */
  build(rows, declared = this.fields) {
    const columns = declared.map((field) => {
      if (this.isPlain) return buildColumn(field, rows);
      return buildColumn(field, rows.map((row) => row[field.name]));
    });
    return { rows: rows.length, columns };
  }

  /** Whether `value` can be a row of this type at all. */
  check(value, what) {
    const isRow = typeof value === 'object' && value !== null && !Array.isArray(value);
    if (!this.isPlain && !isRow) throw new Failure(`${what} has to be an object with a member a column`);
    return value;
  }

  /** A row that means nothing, to stand where there is none. */
  blank() {
    const blank = { boolean: false, int64: 0n, float64: 0, utf8: '', binary: new Uint8Array(0), timestamp: 0n };
    const values = this.fields.map((field) => [field.name, field.nullable ? null : blank[field.dataType]]);
    return this.isPlain ? values[0][1] : Object.fromEntries(values);
  }
}

/** Objects with a member a column. */
export function objects(fields, lists, numRows) {
  const names = fields.map((field) => field.name);
  const rows = new Array(numRows);
  for (let row = 0; row < numRows; row++) {
    const object = {};
    for (let i = 0; i < names.length; i++) object[names[i]] = lists[i][row];
    rows[row] = object;
  }
  return rows;
}

/** The rows that functions answer for one input row or key after the other, as the columns that they become. */
export class Answers {
  constructor(row) {
    this.row = row;
    this.names = row?.fields.map((field) => field.name) ?? [];
    this.lists = this.names.map(() => []);
    this.origins = [];
  }

  /** Adds what the function answered for `origin`: a row, an iterable of rows, or nothing. */
  add(origin, answer) {
    if (answer === undefined || answer === null) return;
    if (typeof answer[Symbol.iterator] !== 'function') {
      this.push(origin, answer);
      return;
    }
    const mark = this.origins.length;
    try {
      for (const row of answer) this.push(origin, row);
    } catch (error) {
      // Nothing of a row that is refused half way.
      this.origins.length = mark;
      for (const list of this.lists) list.length = mark;
      throw error;
    }
  }

  /** Adds one row. */
  push(origin, row) {
    this.row.check(row, 'a row that comes out');
    const { names, lists } = this;
    for (let i = 0; i < names.length; i++) lists[i].push(row[names[i]]);
    this.origins.push(origin);
  }

  /** The batch of all rows. */
  batch() {
    const columns = this.row.fields.map((field, i) => buildColumn(field, this.lists[i]));
    return { rows: this.origins.length, columns };
  }
}

/** Where the rows of each key begin and end. */
export function groups(ends) {
  return Array.from(ends, (end, i) => [i === 0 ? 0 : ends[i - 1], end]);
}
