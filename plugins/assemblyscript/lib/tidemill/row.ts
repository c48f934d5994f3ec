// Rows: values by the number of their column, in the order in which columns are declared.

import { failCall } from "./say";

/** The types that a column may have. */
export namespace Type {
  /** `bool` */
  export const boolean: u8 = 0;
  /** `i64` */
  export const int64: u8 = 1;
  /** `f64` */
  export const float64: u8 = 2;
  /** `string` */
  export const utf8: u8 = 3;
  /** `Uint8Array` */
  export const binary: u8 = 4;
  /** `i64`: microseconds since 1970, UTC */
  export const timestamp: u8 = 5;
}

const NAMES: string[] = ["boolean", "int64", "float64", "utf8", "binary", "timestamp"];

/** A column of a schema. */
export class Field {
  /** A column of this name and type, and whether a row may have no value there. */
  constructor(public name: string, public type: u8, public nullable: bool) {}

  /** The name of its type. */
  typeName(): string {
    return NAMES[this.type];
  }

  /** As it is declared: `n: int64?`. */
  toString(): string {
    return this.name + ": " + this.typeName() + (this.nullable ? "?" : "");
  }
}

/** A column of a batch, in memory. */
export class Column {
  /** One of this type, whose parts lie at these places; 0 for one that isn't there. */
  constructor(private type: u8, private first: usize, private second: usize, private valid: usize) {}

  /** Its value in a row. */
  cell(row: i32): Cell {
    const cell = new Cell();
    cell.type = this.type;
    if (this.valid && !load<u8>(this.valid + row)) {
      cell.isNull = true;
    } else if (this.type == Type.boolean) {
      cell.int = load<u8>(this.first + row);
    } else if (this.type == Type.float64) {
      cell.float = load<f64>(this.first + row * 8);
    } else if (this.type == Type.utf8 || this.type == Type.binary) {
      const start = load<u32>(this.first + row * 4), end = load<u32>(this.first + row * 4, 4);
      if (this.type == Type.utf8) cell.text = String.UTF8.decodeUnsafe(this.second + start, end - start);
      else {
        cell.bytes = new Uint8Array(end - start);
        memory.copy(cell.bytes.dataStart, this.second + start, end - start);
      }
    } else {
      cell.int = load<i64>(this.first + row * 8);
    }
    return cell;
  }
}

const NO_BYTES = new Uint8Array(0);

/** One value. */
export class Cell {
  /** Its type, one of `Type`. */
  type: u8 = 0;
  /** Whether there is no value. */
  isNull: bool = false;
  /** Of an int64, a timestamp, and a boolean, which is 0 or 1. */
  int: i64 = 0;
  /** Of a float64. */
  float: f64 = 0;
  /** Of utf8. */
  text: string = "";
  /** Of binary. */
  bytes: Uint8Array = NO_BYTES;

  /** How many bytes a text or bytes take. */
  byteLength(): usize {
    if (this.isNull) return 0;
    return this.type == Type.utf8 ? String.UTF8.byteLength(this.text) : this.bytes.length;
  }

  /** Writes these bytes, and answers how many there are. */
  writeBytes(to: usize): usize {
    if (this.isNull) return 0;
    if (this.type == Type.utf8) return String.UTF8.encodeUnsafe(changetype<usize>(this.text), this.text.length, to);
    memory.copy(to, this.bytes.dataStart, this.bytes.length);
    return this.bytes.length;
  }
}

/** A row that is read, or that is written: `new Row().text(word).int(1)`. */
export class Row {
  /** Its values. */
  cells: Cell[] = [];

  /** Whether there is no value in a column. */
  isNull(column: i32): bool {
    return this.cells[column].isNull;
  }
  /** The value of a boolean column. */
  getBool(column: i32): bool {
    return this.cells[column].int != 0;
  }
  /** The value of an int64 column. */
  getInt(column: i32): i64 {
    return this.cells[column].int;
  }
  /** The value of a float64 column. */
  getFloat(column: i32): f64 {
    return this.cells[column].float;
  }
  /** The value of a utf8 column. */
  getText(column: i32): string {
    return this.cells[column].text;
  }
  /** The value of a binary column. */
  getBytes(column: i32): Uint8Array {
    return this.cells[column].bytes;
  }
  /** The value of a timestamp column: microseconds since 1970, UTC. */
  getTime(column: i32): i64 {
    return this.cells[column].int;
  }

  private add(type: u8): Cell {
    const cell = new Cell();
    cell.type = type;
    this.cells.push(cell);
    return cell;
  }
  /** Adds a boolean. */
  bool(value: bool): Row {
    this.add(Type.boolean).int = value ? 1 : 0;
    return this;
  }
  /** Adds an int64. */
  int(value: i64): Row {
    this.add(Type.int64).int = value;
    return this;
  }
  /** Adds a float64. */
  float(value: f64): Row {
    this.add(Type.float64).float = value;
    return this;
  }
  /** Adds a utf8. */
  text(value: string): Row {
    this.add(Type.utf8).text = value;
    return this;
  }
  /** Adds a binary. */
  bytes(value: Uint8Array): Row {
    this.add(Type.binary).bytes = value;
    return this;
  }
  /** Adds a timestamp: microseconds since 1970, UTC. */
  time(micros: i64): Row {
    this.add(Type.timestamp).int = micros;
    return this;
  }
  /** Adds no value, of any type. */
  none(): Row {
    this.add(0).isNull = true;
    return this;
  }
  /** Adds the value of another row's column. */
  copy(from: Row, column: i32): Row {
    this.cells.push(from.cells[column]);
    return this;
  }

  /** Whether it fits these columns; else the call fails. */
  fits(fields: Field[], what: string): bool {
    if (this.cells.length != fields.length) {
      return failCall(`${what} has ${this.cells.length} values, but ${fields.length} columns are declared`);
    }
    for (let i = 0; i < fields.length; i++) {
      const cell = this.cells[i], field = fields[i];
      if (cell.isNull && !field.nullable) {
        return failCall(`column \`${field.name}\` got no value; declare it as \`${field.typeName()}?\``);
      }
      if (!cell.isNull && cell.type != field.type) {
        return failCall(`column \`${field.name}\` is ${field.typeName()}, which a value of type ${NAMES[cell.type]} doesn't fit`);
      }
    }
    return true;
  }
}

/** A row that means nothing. */
export function blank(fields: Field[]): Row {
  const row = new Row();
  for (let i = 0; i < fields.length; i++) {
    const cell = new Cell();
    cell.type = fields[i].type;
    row.cells.push(cell);
  }
  return row;
}

/** The types by their names. */
export function typeNamed(name: string): i32 {
  return NAMES.indexOf(name);
}

function larger(memory: usize, size: usize): usize {
  return memory ? heap.realloc(memory, size) : heap.alloc(size);
}

/** A column that is built, in memory of its own that the answer takes over. */
export class Builder {
  /** Where the values lie, or the offsets of texts and bytes. */
  values: usize = 0;
  /** Where the flags lie that say which values are there. */
  valid: usize = 0;
  /** Where texts and bytes lie. */
  data: usize = 0;
  /** How many values there are. */
  size: i32 = 0;
  /** How many bytes texts and bytes take. */
  dataSize: usize = 0;
  /** Whether a value is missing. */
  hasNulls: bool = false;
  private capacity: i32 = 0;
  private dataCapacity: usize = 0;

  /** An empty one of this column. */
  constructor(public field: Field) {
    this.grow();
  }

  /** Whether it has offsets and data. */
  hasBytes(): bool {
    return this.field.type == Type.utf8 || this.field.type == Type.binary;
  }

  private grow(): void {
    this.capacity = max(64, this.capacity * 2);
    // One more, for offsets; none is larger than 64 bits.
    this.values = larger(this.values, ((this.capacity + 1) * 8) as usize);
    this.valid = larger(this.valid, this.capacity);
    if (this.size == 0) store<u32>(this.values, 0);
  }

  /** Adds a value, of the column's type. */
  add(cell: Cell): void {
    const at = this.size, type = this.field.type;
    if (at == this.capacity) this.grow();
    this.size = at + 1;
    this.hasNulls = this.hasNulls || cell.isNull;
    store<u8>(this.valid + at, !cell.isNull);
    if (this.hasBytes()) {
      const end = this.dataSize + cell.byteLength();
      if (end > this.dataCapacity) {
        this.dataCapacity = max(1024, end * 2);
        this.data = larger(this.data, this.dataCapacity);
      }
      cell.writeBytes(this.data + this.dataSize);
      this.dataSize = end;
      store<u32>(this.values + (at + 1) * 4, <u32>end);
    } else if (type == Type.boolean) {
      store<u8>(this.values + at, cell.int != 0 && !cell.isNull);
    } else if (type == Type.float64) {
      store<f64>(this.values + at * 8, cell.float);
    } else {
      store<i64>(this.values + at * 8, cell.int);
    }
  }

  /** Takes back all values from value `size` on. */
  cut(size: i32): void {
    this.size = size;
    if (this.hasBytes()) this.dataSize = load<u32>(this.values + size * 4);
  }
}

/** Rows that come out, with the row or key that each comes from. */
export class Out {
  /** The columns. */
  columns: Builder[] = [];
  /** The input row or key that each row comes from. */
  origins: u32[] = [];
  /** The input row or key of the rows that are put out now. */
  origin: u32 = 0;
  /** How many rows there are. */
  size: i32 = 0;
  /** In tests: the rows themselves. */
  rows: Row[] | null = null;

  /** None yet, of these columns; `what` a row is called in errors. */
  constructor(public fields: Field[], private what: string = "a row") {
    for (let i = 0; i < fields.length; i++) this.columns.push(new Builder(fields[i]));
  }

  /** Puts out a row. */
  emit(row: Row): void {
    if (row.fits(this.fields, this.what)) this.put(row);
  }

  /** The same for a row that fits. */
  put(row: Row): void {
    for (let i = 0; i < this.columns.length; i++) unchecked(this.columns[i]).add(unchecked(row.cells[i]));
    this.origins.push(this.origin);
    this.size++;
    const rows = this.rows;
    if (rows !== null) rows.push(row);
  }

  /** Takes back all rows from row `size` on. */
  cut(size: i32): void {
    if (size == this.size) return;
    this.size = size;
    this.origins.length = size;
    for (let i = 0; i < this.columns.length; i++) this.columns[i].cut(size);
  }
}
