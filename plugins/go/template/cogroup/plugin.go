// What is open of the prices on one side, less the amounts on the other.
package main

import "tidemill/cogroup"

func init() { cogroup.By(openOrders) }

func main() {}

type Open struct{ Open float64 }

func sum(values []float64) (sum float64) {
	for _, value := range values {
		sum += value
	}
	return sum
}

func openOrders(_ struct{}, prices, amounts []float64, emit func(Open)) error {
	if rest := sum(prices) - sum(amounts); rest > 0 {
		emit(Open{rest})
	}
	return nil
}
