import { Row } from "tidemill/row";
import { Key } from "tidemill/state";
import { expect, told } from "tidemill/testing";
import { total } from "./plugin";

export function aStateGrowsFromBatchToBatch(): void {
  const key = new Key();
  key.values = [new Row().float(2.5), new Row().float(3.5)];
  total(key);
  key.values = [new Row().float(1)];
  total(key);
  expect(told(key.state!), "7.0");
}
