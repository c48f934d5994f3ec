import { Row } from "tidemill/row";
import { expect, told } from "tidemill/testing";
import { add, finish, merge } from "./plugin";

export function theMeanIsThatOfAllParts(): void {
  const nothing = new Row().float(0).int(0);
  const left = add(nothing, new Row().float(2.5)), right = add(nothing, new Row().float(3.5));
  expect(told(finish(merge(left, right))), "3.0");
}
