// The higher of two prices; associative and commutative, as a reducer has to be.
package main

import "tidemill/reduce"

func init() { reduce.By(highest) }

func main() {}

func highest(a, b float64) float64 { return max(a, b) }
