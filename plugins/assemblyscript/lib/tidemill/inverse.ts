// `inverse`: takes values out of a total again, so that a window that slides costs what enters and leaves it. It stands
// beside `reduce`.

import { columnsAt, endAt } from "./abi";
import { addTotal, answered, totalsOut, valueOf } from "./reduce";
import { Row } from "./row";
import { begin, hasError, refusalIsError } from "./say";

let subtract: ((total: Row, value: Row) => Row) | null = null;

/** Takes a value out of a total again, so that a window that slides costs what enters and leaves it. */
export function inverse(f: (total: Row, value: Row) => Row): void {
  subtract = f;
}

/** What the host calls as `subtract`. */
export function inverseSubtract(
  totalRows: i32, totalColumns: usize, totalSize: usize, ends: usize, numEnds: i32, numRows: i32, columns: usize, size: usize,
): usize {
  begin();
  const from = columnsAt(totalColumns, totalSize);
  const read = columnsAt(columns, size);
  const totals = totalsOut();
  for (let key = 0; key < numEnds && !hasError(); key++) {
    let total = valueOf(from, key);
    for (let row = endAt(ends, key - 1); row < endAt(ends, key) && !refusalIsError(); row++) {
      total = subtract!(total, valueOf(read, row));
    }
    addTotal(totals, total);
  }
  return answered(totals);
}
