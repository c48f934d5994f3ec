import { Row } from "tidemill/row";
import { expect, told } from "tidemill/testing";
import { highest } from "./plugin";

export function theHigherOneStays(): void {
  expect(told(highest(new Row().float(2.5), new Row().float(3.5))), "3.5");
}
