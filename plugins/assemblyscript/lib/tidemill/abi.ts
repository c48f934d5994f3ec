// What crosses the sandbox, as it lies in memory: the records of wit/, by the canonical ABI of the component model. Blocks
// that the host reads or writes are no objects: they are freed when it has read the answer.

import { Builder, Column, Field, Out } from "./row";
import { hasError, takeError } from "./say";

const blocks = new Array<usize>();

// The allocator's blocks are aligned for all that crosses.
function block(size: usize): usize {
  const at = heap.alloc(size);
  blocks.push(at);
  return at;
}

/** Where the host puts the arguments of a call. */
export function realloc(old: usize, oldSize: usize, alignment: usize, size: usize): usize {
  if (size <= oldSize) return old;
  const at = block(size);
  if (oldSize) memory.copy(at, old, oldSize);
  return at;
}

/** Takes back the memory of a call. */
export function endCall(): void {
  for (let i = 0; i < blocks.length; i++) heap.free(unchecked(blocks[i]));
  blocks.length = 0;
}

/** A text at a place in memory. */
export function textAt(at: usize, size: usize): string {
  return String.UTF8.decodeUnsafe(at, size);
}

/** A schema. */
export function fieldsAt(at: usize, size: usize): Field[] {
  const fields = new Array<Field>();
  for (let i: usize = 0; i < size; i++, at += 12) {
    fields.push(new Field(textAt(load<u32>(at), load<u32>(at, 4)), load<u8>(at, 8), load<u8>(at, 9) != 0));
  }
  return fields;
}

/** The columns of a batch. */
export function columnsAt(at: usize, size: usize): Column[] {
  const columns = new Array<Column>();
  for (let i: usize = 0; i < size; i++, at += 32) {
    const valid: usize = load<u8>(at, 20) ? load<u32>(at, 24) : 0;
    columns.push(new Column(load<u8>(at), load<u32>(at, 4), load<u32>(at, 12), valid));
  }
  return columns;
}

/** The end of the rows of key `index`, and so the start of those of the next. */
export function endAt(ends: usize, index: i32): i32 {
  return index < 0 ? 0 : load<i32>(ends + index * 4);
}

/** A flag of a list. */
export function flagAt(flags: usize, index: i32): bool {
  return load<u8>(flags + index) != 0;
}

/** What a function answers, word by word. */
export class Answer {
  private words: Array<u32> = [0];

  /** Adds a number. */
  word(value: u32): Answer {
    this.words.push(value);
    return this;
  }

  /** Adds a text. */
  text(text: string): Answer {
    const size = String.UTF8.byteLength(text);
    const at = block(size);
    String.UTF8.encodeUnsafe(changetype<usize>(text), text.length, at);
    return this.word(<u32>at).word(size);
  }

  /** Adds a list of numbers. */
  indices(values: u32[]): Answer {
    const at = block(values.length * 4);
    for (let i = 0; i < values.length; i++) store<u32>(at + i * 4, unchecked(values[i]));
    return this.word(<u32>at).word(values.length);
  }

  /** Adds a list of flags. */
  flags(values: bool[]): Answer {
    const at = block(values.length);
    for (let i = 0; i < values.length; i++) store<u8>(at + i, unchecked(values[i]));
    return this.word(<u32>at).word(values.length);
  }

  /** Adds a schema. */
  fields(fields: Field[]): Answer {
    const at = block(fields.length * 12);
    for (let i = 0; i < fields.length; i++) {
      const inner = new Answer().text(fields[i].name).words;
      const field = at + i * 12;
      store<u32>(field, inner[1]);
      store<u32>(field, inner[2], 4);
      store<u8>(field, fields[i].type, 8);
      store<u8>(field, fields[i].nullable, 9);
    }
    return this.word(<u32>at).word(fields.length);
  }

  /** Adds rows with their texts, such as those that are refused. */
  reasons(rows: u32[], reasons: string[]): Answer {
    const at = block(rows.length * 12);
    for (let i = 0; i < rows.length; i++) {
      const inner = new Answer().text(reasons[i]).words;
      store<u32>(at + i * 12, rows[i]);
      store<u32>(at + i * 12, inner[1], 4);
      store<u32>(at + i * 12, inner[2], 8);
    }
    return this.word(<u32>at).word(rows.length);
  }

  /** Adds the rows that were put out. */
  batch(out: Out): Answer {
    const size = out.columns.length, at = block(size * 32);
    memory.fill(at, 0, size * 32);
    for (let i = 0; i < size; i++) writeColumn(at + i * 32, out.columns[i]);
    return this.word(out.size).word(<u32>at).word(size);
  }

  /** Where the answer lies; the error, where there is one. */
  at(): usize {
    if (hasError()) {
      this.words = [1];
      this.text(takeError());
    }
    const at = block(this.words.length * 4);
    for (let i = 0; i < this.words.length; i++) store<u32>(at + i * 4, unchecked(this.words[i]));
    return at;
  }
}

function writeColumn(at: usize, column: Builder): void {
  const size = column.size, hasBytes = column.hasBytes();
  blocks.push(column.values);
  blocks.push(column.valid);
  store<u8>(at, column.field.type);
  store<u32>(at, <u32>column.values, 4);
  store<u32>(at, hasBytes ? size + 1 : size, 8);
  store<u8>(at, column.hasNulls, 20);
  store<u32>(at, <u32>column.valid, 24);
  store<u32>(at, column.hasNulls ? size : 0, 28);
  if (column.data == 0) return;
  blocks.push(column.data);
  store<u32>(at, <u32>column.data, 12);
  store<u32>(at, <u32>column.dataSize, 16);
}
