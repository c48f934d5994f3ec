// Columns: as a plugin declares them, as the host has them, and where the one stand in the other.

import { Column, Field, Row, typeNamed } from "./row";
import { failCall } from "./say";

/** Columns, as an error tells them. */
export function told(fields: Field[]): string {
  if (fields.length == 0) return "there are no columns";
  let text = "the columns are: ";
  for (let i = 0; i < fields.length; i++) text += (i ? ", " : "") + fields[i].toString();
  return text;
}

/** Columns as they are declared: `word: utf8, n: int64?`, or a type alone for one column of any name. */
export class Declared {
  /** The columns, once they are read. */
  fields: Field[] = [];
  /** Whether it is one column of any name. */
  isPlain: bool = false;
  /** Where they stand in the schema that they are bound to. */
  order: i32[] = [];

  /** What is declared, as a text. */
  constructor(private text: string) {}

  /** Reads what was declared; false where it is wrong. */
  read(): bool {
    this.fields = [];
    if (this.text.length == 0) return true;
    this.isPlain = !this.text.includes(":");
    const parts = this.text.split(",");
    for (let i = 0; i < parts.length; i++) {
      const at = parts[i].indexOf(":");
      if (at < 0 && !this.isPlain) return failCall(`\`${parts[i]}\` is no column; write \`name: type\``);
      let type = parts[i].substring(at + 1).trim();
      const nullable = type.endsWith("?");
      if (nullable) type = type.substring(0, type.length - 1);
      const found = typeNamed(type);
      if (found < 0) {
        return failCall(
          `\`${type}\` is no type; the types are boolean, int64, float64, utf8, binary, timestamp, with a \`?\` behind one that may be null`,
        );
      }
      this.fields.push(new Field(this.isPlain ? "state" : parts[i].substring(0, at).trim(), <u8>found, nullable));
    }
    return true;
  }

  /** Whether these are the columns of a schema, all of them and no others, in any order. */
  fits(schema: Field[]): bool {
    if (this.fields.length != schema.length) return false;
    if (this.isPlain) return schema[0].type == this.fields[0].type;
    for (let i = 0; i < this.fields.length; i++) {
      let isThere = false;
      for (let j = 0; j < schema.length; j++) {
        isThere = isThere || (schema[j].name == this.fields[i].name && schema[j].type == this.fields[i].type);
      }
      if (!isThere) return false;
    }
    return true;
  }

  /** Finds the columns in a schema. */
  bind(schema: Field[], what: string = ""): bool {
    this.order = [];
    const before = what.length ? what + ": " : "";
    if (this.isPlain) {
      this.order.push(0);
      if (schema.length == 1 && schema[0].type == this.fields[0].type) return true;
      return failCall(`${before}one column of type ${this.fields[0].typeName()} is wanted; ${told(schema)}`);
    }
    for (let i = 0; i < this.fields.length; i++) {
      const wanted = this.fields[i];
      let found = -1;
      for (let j = 0; j < schema.length; j++) if (schema[j].name == wanted.name) found = j;
      if (found < 0) {
        return failCall(`${before}there is no column \`${wanted.name}\` of type ${wanted.typeName()}; ${told(schema)}`);
      }
      if (schema[found].type != wanted.type) {
        const shown = schema[found].typeName();
        return failCall(`${before}column \`${wanted.name}\` is ${shown}, but ${wanted.typeName()} is wanted; ${told(schema)}`);
      }
      this.order.push(found);
    }
    return true;
  }

  /** The columns as they come, in their own order. */
  inOrder(): Declared {
    this.order = [];
    for (let i = 0; i < this.fields.length; i++) this.order.push(i);
    return this;
  }

  /** One row of a batch. */
  row(columns: Column[], index: i32): Row {
    const row = new Row();
    for (let i = 0; i < this.order.length; i++) row.cells.push(columns[this.order[i]].cell(index));
    return row;
  }

  /** The name of the first column that holds no value and should, null where there is none. */
  missing(row: Row): string | null {
    for (let i = 0; i < this.fields.length; i++) {
      if (row.cells[i].isNull && !this.fields[i].nullable) return this.fields[i].name;
    }
    return null;
  }

  /** One row of a batch; an error where it holds no value that it should. Rows are read as they are needed: as objects
   * they take more memory than as columns. */
  one(columns: Column[], index: i32): Row {
    const row = this.row(columns, index);
    if (this.missing(row) !== null) failCall(`row ${index} holds no value`);
    return row;
  }

  /** Rows `start` to `end` of a batch. */
  rows(columns: Column[], start: i32, end: i32): Row[] {
    const rows = new Array<Row>();
    for (let i = start; i < end; i++) rows.push(this.one(columns, i));
    return rows;
  }
}
