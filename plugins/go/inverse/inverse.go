// Package inverse takes values out of a total again, so that a window that slides costs what enters and leaves it. It
// stands beside package reduce.
package inverse

import (
	"tidemill/internal/abi"
	"tidemill/internal/rows"
	"tidemill/reduce"
)

// By registers the inverse of what package reduce has: subtract takes a value out of a total again.
func By[T any](subtract func(total, value T) T) {
	TryBy(func(total, value T) (T, error) { return subtract(total, value), nil })
}

// TryBy is By for a function that may fail, or refuse the key.
func TryBy[T any](subtract func(total, value T) (T, error)) {
	operator = &inversion[T]{reduction: reduce.New(subtract)}
}

var operator interface {
	subtract(totals abi.Batch, ends []uint32, values abi.Batch) (*abi.Answer, error)
}

type inversion[T any] struct {
	reduction *reduce.Reduction[T]
	isBound   bool
}

func (i *inversion[T]) subtract(totals abi.Batch, ends []uint32, values abi.Batch) (*abi.Answer, error) {
	if !i.isBound {
		if err := i.reduction.Bind(reduce.Opened()); err != nil {
			return nil, err
		}
		i.isBound = true
	}
	from, err := i.reduction.Read(totals)
	if err != nil {
		return nil, err
	}
	all, err := i.reduction.Read(values)
	if err != nil {
		return nil, err
	}
	return i.reduction.Combine(from, rows.Groups(ends, all))
}
