// For tests: rows that a function puts out, and why it refused one.

import { Cell, Out, Row } from "./row";
import { hasError, takeError, takeRefusal } from "./say";
import { Declared } from "./schema";

/** What functions put rows of these columns into. */
export function outOf(columns: string): Out {
  const declared = new Declared(columns);
  declared.read();
  const out = new Out(declared.fields);
  out.rows = [];
  return out;
}

/** Why the last row was refused; empty where it wasn't. */
export function refusal(): string {
  const reason = takeRefusal();
  return reason === null ? "" : reason;
}

function shown(cell: Cell): string {
  if (cell.isNull) return "null";
  if (cell.type == 0) return cell.int ? "true" : "false";
  if (cell.type == 2) return cell.float.toString();
  if (cell.type == 3) return cell.text;
  return cell.type == 4 ? cell.bytes.toString() : cell.int.toString();
}

/** A row as its values with `, ` between them. */
export function told(row: Row): string {
  const values: string[] = [];
  for (let i = 0; i < row.cells.length; i++) values.push(shown(row.cells[i]));
  return values.join(", ");
}

/** Ends the test where two texts aren't the same, or the call failed. */
export function expect(found: string, wanted: string): void {
  if (hasError()) throw new Error(takeError());
  if (found != wanted) throw new Error(`wanted: ${wanted}; it is: ${found}`);
}

/** The same for all rows, one after the other. */
export function expectRows(out: Out, wanted: string[]): void {
  expect(out.rows!.map<string>((row) => told(row)).join("; "), wanted.join("; "));
}
