package migrate_test

import (
	"fmt"

	"tidemill"
	"tidemill/migrate"
)

type Stats struct{ Sum, Count int64 }

// The first version kept a sum alone. In a plugin the registration stands in init.
func ExampleFrom() {
	fromSum := func(sum int64) (Stats, error) {
		if sum < 0 {
			return Stats{}, tidemill.Reject("the sum %d is negative", sum)
		}
		return Stats{Sum: sum, Count: 1}, nil
	}
	migrate.From(fromSum)

	fmt.Println(fromSum(7))
	// Output: {7 1} <nil>
}
