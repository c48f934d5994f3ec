// The mean of prices, through a sum and a count.

import { aggregate } from "tidemill/aggregate";
import { Row } from "tidemill/row";

export function add(total: Row, price: Row): Row {
  return new Row().float(total.getFloat(0) + price.getFloat(0)).int(total.getInt(1) + 1);
}

export function merge(total: Row, other: Row): Row {
  return new Row().float(total.getFloat(0) + other.getFloat(0)).int(total.getInt(1) + other.getInt(1));
}

export function finish(total: Row): Row {
  return new Row().float(total.getFloat(0) / <f64>total.getInt(1));
}

aggregate("float64", "sum: float64, count: int64", "mean: float64", () => new Row().float(0).int(0), add, merge, finish);
