package reduce_test

import (
	"fmt"

	"tidemill/inverse"
	"tidemill/reduce"
)

// With package inverse beside it, for windows that slide. In a plugin the registrations stand in init.
func ExampleBy() {
	add := func(a, b int64) int64 { return a + b }
	subtract := func(total, b int64) int64 { return total - b }
	reduce.By(add)
	inverse.By(subtract)

	fmt.Println(subtract(add(3, 4), 3))
	// Output: 4
}
