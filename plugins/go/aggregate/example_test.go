package aggregate_test

import (
	"fmt"

	"tidemill/aggregate"
)

type Mean struct {
	Sum   float64
	Count int64
}

type Answer struct{ Mean float64 }

func (m *Mean) Add(value float64) { m.Sum, m.Count = m.Sum+value, m.Count+1 }
func (m *Mean) Merge(other Mean)  { m.Sum, m.Count = m.Sum+other.Sum, m.Count+other.Count }
func (m *Mean) Finish() Answer    { return Answer{m.Sum / float64(m.Count)} }

// In a plugin the registration stands in init.
func ExampleOf() {
	aggregate.Of(Mean{}, (*Mean).Add, (*Mean).Merge, (*Mean).Finish)

	mean := Mean{}
	mean.Add(2)
	mean.Merge(Mean{Sum: 4, Count: 1})
	fmt.Println(mean.Finish())
	// Output: {3}
}
