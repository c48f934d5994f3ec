// Package migrate takes over the states of earlier versions of a plugin: From registers a function for each. It stands
// beside package state.
package migrate

import (
	"errors"
	"slices"

	"tidemill/internal/abi"
	"tidemill/internal/rows"
	"tidemill/state"
)

// From registers a function that makes a state of one that an earlier version of the plugin kept: plain, or a struct with
// exactly the columns that were kept. It is called for each state when a running pipeline is swapped to this version and
// its state has other columns; an error refuses the swap. There may be several, for several earlier versions.
func From[T, S any](f func(earlier T) (S, error)) {
	migrations = append(migrations, &migration[T, S]{earlier: rows.NewType[T](), state: rows.NewType[S](), f: f})
}

var migrations []interface {
	// order is where the columns of the earlier state stand among those that were kept; nil where they aren't these.
	order(kept []abi.Field) []uint32
	migrate(order []uint32, states abi.Batch) (*abi.Answer, error)
}

func migrate(kept []abi.Field, states abi.Batch) (*abi.Answer, error) {
	for _, m := range migrations {
		if order := m.order(kept); order != nil {
			return m.migrate(order, states)
		}
	}
	return nil, errors.New("no earlier version is known with this state; " + rows.Tell(kept))
}

type migration[T, S any] struct {
	earlier *rows.Type[T]
	state   *rows.Type[S]
	f       func(T) (S, error)
}

func (m *migration[T, S]) order(kept []abi.Field) []uint32 {
	order, err := m.earlier.Bind(kept, "")
	if err != nil || len(order) != len(kept) {
		return nil
	}
	return order
}

func (m *migration[T, S]) migrate(order []uint32, states abi.Batch) (*abi.Answer, error) {
	if wanted := state.Opened(); !slices.Equal(m.state.Fields, wanted) {
		return nil, errors.New("what a migration answers is no state; " + rows.Tell(wanted))
	}
	all, err := m.earlier.Read(states, order, nil, nil)
	if err != nil {
		return nil, err
	}
	builder := m.state.NewBuilder(m.state.Fields)
	for _, earlier := range all {
		migrated, err := m.f(earlier)
		if err != nil {
			return nil, err
		}
		builder.Add(migrated)
	}
	batch, err := builder.Batch()
	return abi.OK().Batch(batch), err
}
