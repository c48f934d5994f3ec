// What is open of the prices on one side, less the amounts on the other.

import { cogroup } from "tidemill/cogroup";
import { Out, Row } from "tidemill/row";

function sum(rows: Row[]): f64 {
  let sum: f64 = 0;
  for (let i = 0; i < rows.length; i++) sum += rows[i].getFloat(0);
  return sum;
}

export function openOrders(key: Row, prices: Row[], amounts: Row[], out: Out): void {
  const open = sum(prices) - sum(amounts);
  if (open > 0) out.emit(new Row().float(open));
}

cogroup("", "float64", "float64", "open: float64", openOrders);
