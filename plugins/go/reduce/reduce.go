// Package reduce makes an operator of a function of two values of a key, plain ones or rows of the same columns. It has to
// be associative and commutative. A plugin has one of them; package inverse may stand beside it.
package reduce

import (
	"fmt"

	"tidemill/internal/abi"
	"tidemill/internal/guest"
	"tidemill/internal/rows"
)

// By makes an operator of f, which combines two values of a key.
func By[T any](f func(a, b T) T) {
	TryBy(func(a, b T) (T, error) { return f(a, b), nil })
}

// TryBy is By for a function that may fail, or refuse the key.
func TryBy[T any](f func(a, b T) (T, error)) {
	operator = &Reduction[T]{kind: rows.NewType[T](), f: f}
}

var operator interface {
	open(config string, schema []abi.Field) (*abi.Answer, error)
	reduce(ends []uint32, values abi.Batch) (*abi.Answer, error)
}

// opened is the schema that the operator works on, for the inverse, which has no open of its own.
var opened []abi.Field

// Opened are the columns that the operator was opened on; not for plugins.
func Opened() []abi.Field { return opened }

// Reduction works with a function of two values; not for plugins.
type Reduction[T any] struct {
	kind   *rows.Type[T]
	order  []uint32
	fields []abi.Field
	f      func(a, b T) (T, error)
}

// New makes a Reduction that isn't registered.
func New[T any](f func(a, b T) (T, error)) *Reduction[T] {
	return &Reduction[T]{kind: rows.NewType[T](), f: f}
}

func (r *Reduction[T]) open(config string, schema []abi.Field) (*abi.Answer, error) {
	if err := guest.ReadConfig(config); err != nil {
		return nil, err
	}
	opened = schema
	return abi.OK(), r.Bind(schema)
}

// Bind finds the columns of the values.
func (r *Reduction[T]) Bind(schema []abi.Field) (err error) {
	if r.order, err = r.kind.Bind(schema, ""); err != nil {
		return err
	}
	isUsed := make([]bool, len(schema))
	r.fields = nil
	for _, index := range r.order {
		isUsed[index] = true
		r.fields = append(r.fields, schema[index])
	}
	for i, field := range schema {
		if !isUsed[i] {
			return fmt.Errorf("the reducer has no field for column `%s`", field.Name)
		}
	}
	return nil
}

func (r *Reduction[T]) reduce(ends []uint32, values abi.Batch) (*abi.Answer, error) {
	all, err := r.Read(values)
	if err != nil {
		return nil, err
	}
	return r.Combine(nil, rows.Groups(ends, all))
}

// Read answers the values of a batch.
func (r *Reduction[T]) Read(values abi.Batch) ([]T, error) {
	return r.kind.Read(values, r.order, nil, nil)
}

// Combine answers a value for each group: that of totals, or the group's first where it is nil, with the others.
func (r *Reduction[T]) Combine(totals []T, groups [][]T) (*abi.Answer, error) {
	builder := r.kind.NewBuilder(r.fields)
	for i, group := range groups {
		var total T
		if totals != nil {
			total = totals[i]
		} else {
			total, group = group[0], group[1:]
		}
		for _, value := range group {
			var err error
			if total, err = r.f(total, value); err != nil {
				return nil, err
			}
		}
		builder.Add(total)
	}
	batch, err := builder.Batch()
	// As the columns came in.
	columns := make([]abi.Column, len(batch.Columns))
	for i, index := range r.order {
		columns[index] = batch.Columns[i]
	}
	batch.Columns = columns
	return abi.OK().Batch(batch), err
}
