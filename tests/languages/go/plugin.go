// The operators of the cases that every language passes; tests/plugins/case_* are the same in Rust.
package main

import (
	"time"

	"tidemill"
	"tidemill/aggregate"
	"tidemill/cogroup"
	"tidemill/migrate"
	"tidemill/reduce"
	"tidemill/state"
	"tidemill/transform"
)

func init() {
	transform.FlatMap(allTypes)
	reduce.TryBy(combine)
	aggregate.Of(Span{}, (*Span).Add, (*Span).Merge, (*Span).Finish)
	state.Map(addUp)
	migrate.From(fromSum)
	migrate.From(fromTotal)
	cogroup.By(beside)
}

func main() {}

type Config struct{ Tag string }

var config = tidemill.NewConfig(Config{})

type All struct {
	B *bool
	I *int64
	F *float64
	S *string
	Y *[]byte
	T *time.Time
}

func allTypes(row All, emit func(All)) error {
	times := 1
	if row.S != nil {
		switch *row.S {
		case "refuse":
			return tidemill.Reject("the row is refused")
		case "fail":
			panic("the function fails")
		case "nothing":
			times = 0
		case "twice":
			times = 2
		}
		text := config.Get().Tag + *row.S
		row.S = &text
	}
	for range times {
		emit(row)
	}
	return nil
}

type Values struct {
	Least int64
	Total float64
	First *string
}

func combine(a, b Values) (Values, error) {
	if a.Least == 13 && b.Least == 13 {
		return a, tidemill.Reject("13 twice")
	}
	first := a.First
	if first == nil {
		first = b.First
	}
	return Values{min(a.Least, b.Least), a.Total + b.Total, first}, nil
}

type Span struct {
	First, Last time.Time
	Count       int64
}

type Answer struct {
	First  time.Time
	Micros int64
	Count  int64
}

func (s *Span) Add(at time.Time) { s.Merge(Span{at, at, 1}) }

func (s *Span) Merge(other Span) {
	if s.Count == 0 || other.First.Before(s.First) {
		s.First = other.First
	}
	if s.Count == 0 || other.Last.After(s.Last) {
		s.Last = other.Last
	}
	s.Count += other.Count
}

func (s *Span) Finish() Answer { return Answer{s.First, s.Last.Sub(s.First).Microseconds(), s.Count} }

type Value struct {
	N    int64
	Note *string
}

type Kept struct {
	Sum  int64
	Last *string
}

type Sum struct {
	Sum int64
	At  time.Time
}

func addUp(key state.Key[string], value *Value, kept *state.State[Kept], emit func(Sum)) error {
	before, _ := kept.Get()
	if value != nil {
		switch value.N {
		case 0:
			kept.Remove()
			return nil
		case 13:
			return tidemill.Reject("13 at %s", key.Value)
		}
		before.Sum += value.N
		if value.Note != nil {
			before.Last = value.Note
		}
		kept.Update(before)
	}
	emit(Sum{before.Sum, key.Now})
	return nil
}

type Total struct {
	Total float64
	Note  *string
}

func fromSum(sum int64) (Kept, error) {
	if sum < 0 {
		return Kept{}, tidemill.Reject("the sum %d is negative", sum)
	}
	return Kept{Sum: sum}, nil
}

func fromTotal(earlier Total) (Kept, error) {
	return Kept{int64(earlier.Total), earlier.Note}, nil
}

type Pair struct {
	Sum  int64
	Text *string
}

func beside(_ struct{}, left []int64, right []string, emit func(Pair)) error {
	sum := int64(0)
	for _, n := range left {
		sum += n
	}
	for i := range right {
		emit(Pair{sum, &right[i]})
	}
	if len(right) == 0 {
		emit(Pair{sum, nil})
	}
	return nil
}
