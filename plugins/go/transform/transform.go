// Package transform makes operators of functions of a row: Map, FlatMap, Filter. A plugin has one of them.
package transform

import (
	"errors"

	"tidemill/internal/abi"
	"tidemill/internal/guest"
	"tidemill/internal/rows"
)

// Option changes an operator.
type Option func(*options)

type options struct{ carry bool }

// Carry is an option of Map and FlatMap: input columns stand before what is produced, but for those of the same name.
func Carry(o *options) { o.carry = true }

// FlatMap makes an operator of f: any number of rows out for each row in. It calls emit for each; what it put out before an
// error is taken back.
func FlatMap[In, Out any](f func(row In, emit func(Out)) error, given ...Option) {
	o := options{}
	for _, option := range given {
		option(&o)
	}
	operator = &rowwise[In, Out]{in: rows.NewType[In](), out: rows.NewType[Out](), f: f, carry: o.carry}
}

// Map makes an operator of f: one row out for each row in.
func Map[In, Out any](f func(row In) (Out, error), given ...Option) {
	FlatMap(func(row In, emit func(Out)) error {
		answer, err := f(row)
		if err == nil {
			emit(answer)
		}
		return err
	}, given...)
}

// Filter makes an operator of f: it keeps the rows for which f answers true, as they are.
func Filter[In any](f func(row In) (bool, error)) {
	FlatMap(func(row In, emit func(struct{})) error {
		keeps, err := f(row)
		if keeps && err == nil {
			emit(struct{}{})
		}
		return err
	}, Carry)
}

// operator is the one that is registered.
var operator interface {
	open(config string, schema []abi.Field) (*abi.Answer, error)
	process(batch abi.Batch) (*abi.Answer, error)
}

type rowwise[In, Out any] struct {
	in    *rows.Type[In]
	out   *rows.Type[Out]
	f     func(In, func(Out)) error
	carry bool
}

func (o *rowwise[In, Out]) open(config string, schema []abi.Field) (*abi.Answer, error) {
	if err := guest.ReadConfig(config); err != nil {
		return nil, err
	}
	if o.in.IsPlain || o.out.IsPlain {
		return nil, errors.New("what a transform reads and produces needs names; take structs")
	}
	reads, err := o.in.Bind(schema, "")
	if err != nil {
		return nil, err
	}
	var carries []uint32
	if o.carry {
		carries = rows.AllBut(schema, o.out.Fields)
	}
	return abi.OK().Uint32s(reads).Uint32s(carries).Fields(o.out.Fields), o.out.Err()
}

func (o *rowwise[In, Out]) process(batch abi.Batch) (*abi.Answer, error) {
	missing := map[int]string{}
	all, err := o.in.Read(batch, nil, nil, func(m rows.Missing) {
		if _, isTold := missing[m.Row]; !isTold {
			missing[m.Row] = "column `" + m.Column + "` holds no value"
		}
	})
	if err != nil {
		return nil, err
	}
	builder := o.out.NewBuilder(o.out.Fields)
	var rejects []abi.Rejected
	for i, row := range all {
		if reason, isMissing := missing[i]; isMissing {
			rejects = append(rejects, abi.Rejected{Row: uint32(i), Reason: reason})
			continue
		}
		before := builder.Rows()
		builder.Origin = uint32(i)
		if err := o.f(row, builder.Add); guest.IsRejection(err) {
			builder.Cut(before)
			rejects = append(rejects, abi.Rejected{Row: uint32(i), Reason: err.Error()})
		} else if err != nil {
			return nil, err
		}
	}
	answer, err := builder.Batch()
	return abi.OK().Batch(answer).Some().Uint32s(builder.Origins).Rejects(rejects), err
}
