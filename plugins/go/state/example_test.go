package state_test

import (
	"fmt"

	"tidemill/state"
)

// In a plugin the registration stands in init.
func ExampleUpdate() {
	sum := func(key state.Key[string], values []int64, before *int64) (*int64, error) {
		total := int64(0)
		if before != nil {
			total = *before
		}
		for _, value := range values {
			total += value
		}
		return &total, nil
	}
	state.Update(sum)

	first, _ := sum(state.Key[string]{Value: "tea"}, []int64{2, 3}, nil)
	second, _ := sum(state.Key[string]{Value: "tea"}, []int64{4}, first)
	fmt.Println(*first, *second)
	// Output: 5 9
}

type Visit struct{ Visits int64 }

func ExampleMap() {
	visits := func(key state.Key[string], url *string, kept *state.State[int64], emit func(Visit)) error {
		if kept.IsTimingOut() {
			return nil
		}
		count, _ := kept.Get()
		kept.Update(count + 1)
		emit(Visit{count + 1})
		return nil
	}
	state.Map(visits)

	url, kept := "/", state.New[int64](nil)
	for range 2 {
		_ = visits(state.Key[string]{Value: "ann"}, &url, kept, func(visit Visit) { fmt.Println(visit.Visits) })
	}
	// Output:
	// 1
	// 2
}
