package cogroup_test

import (
	"fmt"

	"tidemill/cogroup"
)

type Open struct{ Open float64 }

// In a plugin the registration stands in init.
func ExampleBy() {
	openBills := func(client string, billed, paid []float64, emit func(Open)) error {
		rest := 0.0
		for _, price := range billed {
			rest += price
		}
		for _, price := range paid {
			rest -= price
		}
		if rest > 0 {
			emit(Open{rest})
		}
		return nil
	}
	cogroup.By(openBills)

	_ = openBills("ann", []float64{3, 4}, []float64{2}, func(open Open) { fmt.Println(open.Open) })
	// Output: 5
}
