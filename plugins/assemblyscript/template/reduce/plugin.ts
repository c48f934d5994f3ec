// The higher of two prices; associative and commutative, as a reducer has to be.

import { reduce } from "tidemill/reduce";
import { Row } from "tidemill/row";

export function highest(a: Row, b: Row): Row {
  return a.getFloat(0) > b.getFloat(0) ? a : b;
}

reduce("float64", highest);
