import { Row } from "tidemill/row";
import { expectRows, outOf } from "tidemill/testing";
import { openOrders } from "./plugin";

export function whatIsPaidIsNotOpen(): void {
  const out = outOf("open: float64");
  openOrders(new Row(), [new Row().float(3)], [new Row().float(1)], out);
  openOrders(new Row(), [], [new Row().float(1)], out);
  expectRows(out, ["2.0"]);
}
