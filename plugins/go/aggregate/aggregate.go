// Package aggregate makes an operator of an accumulator: values of one type go in, a row of another comes out. A plugin
// has one of them.
package aggregate

import (
	"tidemill/internal/abi"
	"tidemill/internal/guest"
	"tidemill/internal/rows"
)

// Of makes an operator that collects the values of a key in an accumulator, of which the row that comes out is made: it begins
// as begin, add takes in a value, merge what another one collected, and finish answers the row.
//
//	aggregate.Of(Mean{}, (*Mean).Add, (*Mean).Merge, (*Mean).Finish)
//
// A panic fails the key.
func Of[A, V, R any](begin A, add func(total *A, value V), merge func(total *A, other A), finish func(total *A) R) {
	operator = &collector[A, V, R]{
		begin: begin, add: add, mergeOne: merge, finishOne: finish,
		value: rows.NewType[V](), total: rows.NewType[A](), row: rows.NewType[R](),
	}
}

var operator interface {
	open(config string, schema []abi.Field) (*abi.Answer, error)
	accumulate(ends []uint32, values abi.Batch) (*abi.Answer, error)
	merge(ends []uint32, accumulators abi.Batch) (*abi.Answer, error)
	finish(accumulators abi.Batch) (*abi.Answer, error)
}

type collector[A, V, R any] struct {
	begin     A
	add       func(*A, V)
	mergeOne  func(*A, A)
	finishOne func(*A) R

	value *rows.Type[V]
	total *rows.Type[A]
	row   *rows.Type[R]
	order []uint32
}

func (c *collector[A, V, R]) open(config string, schema []abi.Field) (answer *abi.Answer, err error) {
	if err := guest.ReadConfig(config); err != nil {
		return nil, err
	}
	for _, err := range []error{c.total.Err(), c.row.Err()} {
		if err != nil {
			return nil, err
		}
	}
	c.order, err = c.value.Bind(schema, "")
	return abi.OK().Fields(c.total.Fields).Fields(c.row.Fields), err
}

func (c *collector[A, V, R]) accumulate(ends []uint32, values abi.Batch) (*abi.Answer, error) {
	all, err := c.value.Read(values, c.order, nil, nil)
	if err != nil {
		return nil, err
	}
	builder := c.total.NewBuilder(c.total.Fields)
	for _, group := range rows.Groups(ends, all) {
		total := c.begin
		for _, value := range group {
			c.add(&total, value)
		}
		builder.Add(total)
	}
	batch, err := builder.Batch()
	return abi.OK().Batch(batch), err
}

func (c *collector[A, V, R]) merge(ends []uint32, accumulators abi.Batch) (*abi.Answer, error) {
	all, err := c.total.Read(accumulators, nil, nil, nil)
	if err != nil {
		return nil, err
	}
	builder := c.total.NewBuilder(c.total.Fields)
	for _, group := range rows.Groups(ends, all) {
		total := group[0]
		for _, other := range group[1:] {
			c.mergeOne(&total, other)
		}
		builder.Add(total)
	}
	batch, err := builder.Batch()
	return abi.OK().Batch(batch), err
}

func (c *collector[A, V, R]) finish(accumulators abi.Batch) (*abi.Answer, error) {
	all, err := c.total.Read(accumulators, nil, nil, nil)
	if err != nil {
		return nil, err
	}
	builder := c.row.NewBuilder(c.row.Fields)
	for i := range all {
		builder.Add(c.finishOne(&all[i]))
	}
	batch, err := builder.Batch()
	return abi.OK().Batch(batch), err
}
