// Schemas: the names and types of columns, as a plugin declares them and as it is opened on them.
//
// A plugin writes `{ word: 'utf8', n: 'int64?' }`; a `?` lets rows have no value. Out go column indices, or a sentence
// that tells the author of a manifest which column is missing or of the wrong type, and what there is instead.

import { Failure } from './errors.js';

/** The types a column may have. */
export const TYPES = ['boolean', 'int64', 'float64', 'utf8', 'binary', 'timestamp'];

/**
 * A field of what stands behind a name: `int64?`.
 *
 * @returns {import('../index.d.ts').Field}
 */
export function field(name, written) {
  const text = typeof written === 'string' ? written.trim() : String(written);
  const nullable = text.endsWith('?');
  const dataType = nullable ? text.slice(0, -1) : text;
  if (!TYPES.includes(dataType)) {
    throw new Failure(`\`${name}\` is \`${text}\`, which is no type; the types are ${TYPES.join(', ')}, with a \`?\` behind one that may be null`);
  }
  return { name, dataType, nullable };
}

/** The fields of declared columns, in order. */
export function fields(columns) {
  return Object.entries(columns ?? {}).map(([name, written]) => field(name, written));
}

/** The columns of a stream, in order. Names are unique. */
export class Schema {
  constructor(fields) {
    this.fields = fields;
  }

  /** A schema as the command line has it: `word: utf8, n: int64?`. */
  static parse(text) {
    const parts = text.split(',').map((part) => part.trim()).filter(Boolean);
    return new Schema(parts.map((part) => field(part.split(':')[0].trim(), part.split(':')[1] ?? '')));
  }

  /** Where the column `name` stands, which must be of this type. */
  want(name, dataType) {
    const index = this.fields.findIndex((field) => field.name === name);
    if (index < 0) throw new Failure(`there is no column \`${name}\` of type ${dataType}; ${this}`);
    const found = this.fields[index].dataType;
    if (found !== dataType) {
      throw new Failure(`column \`${name}\` is ${found}, but ${dataType} is wanted; ${this}`);
    }
    return index;
  }

  /** The indices of all columns but those that one of `replaced` names. */
  allBut(replaced) {
    const names = new Set(replaced.map((field) => field.name));
    return [...this.fields.keys()].filter((index) => !names.has(this.fields[index].name));
  }

  toString() {
    if (this.fields.length === 0) return 'there are no columns';
    const shown = this.fields.map((field) => `${field.name}: ${field.dataType}${field.nullable ? '?' : ''}`);
    return `the columns are: ${shown.join(', ')}`;
  }
}
