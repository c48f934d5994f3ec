// Package state makes operators of functions of a key and its state, which the host keeps from batch to batch: Update and
// Map. A plugin has one of them; package migrate may stand beside it.
package state

import (
	"errors"
	"time"

	"tidemill/internal/abi"
	"tidemill/internal/guest"
	"tidemill/internal/rows"
)

// Key is the key that a function is called for.
type Key[K any] struct {
	// Value is the key; of type struct{} where it isn't looked at.
	Value K
	// Now is the batch's time.
	Now time.Time
}

// Update makes an operator of f, which is called for each key with its new values and its state, and answers the state, nil to
// forget the key.
func Update[K, V, S any](f func(key Key[K], values []V, state *S) (*S, error)) {
	operator = newUpdater(func(u *updater[K, V, S, struct{}], key Key[K], values []V, kept *State[S]) error {
		if kept.IsTimingOut() {
			return nil
		}
		answer, err := f(key, values, kept.value)
		kept.value = answer
		return err
	})
}

// Map makes an operator of f, which is called for each value of a key, and once without a value, with nil, where the key timed
// out. It calls emit for each row that comes out.
func Map[K, V, S, R any](f func(key Key[K], value *V, state *State[S], emit func(R)) error) {
	operator = newUpdater(func(u *updater[K, V, S, R], key Key[K], values []V, kept *State[S]) error {
		if kept.IsTimingOut() {
			return f(key, nil, kept, u.answers.Add)
		}
		for i := range values {
			kept.isRemoved = false
			if err := errors.Join(f(key, &values[i], kept, u.answers.Add), kept.err); err != nil {
				return err
			}
		}
		return nil
	})
}

// State is what is kept of a key, in a function of Map, which leaves it as it is unless it says otherwise.
type State[S any] struct {
	value       *S
	isTimingOut bool
	isRemoved   bool
	err         error
}

// New makes a state for tests; nil for a key that has none.
func New[S any](value *S) *State[S] { return &State[S]{value: value} }

// Get answers what it is, and whether there is one.
func (s *State[S]) Get() (value S, exists bool) {
	if s.value != nil {
		value = *s.value
	}
	return value, s.value != nil
}

// IsTimingOut tells whether the key had no data for too long: its state may not be changed, and is gone afterwards.
func (s *State[S]) IsTimingOut() bool { return s.isTimingOut }

// Update makes it value from now on.
func (s *State[S]) Update(value S) {
	if s.mayChange("updated") {
		s.value = &value
	}
}

// Remove forgets the key.
func (s *State[S]) Remove() {
	if s.mayChange("removed") {
		s.value, s.isRemoved = nil, true
	}
}

func (s *State[S]) mayChange(act string) bool {
	if s.isTimingOut {
		s.err = errors.New("the state is " + act + " while its key times out")
	} else if s.isRemoved {
		s.err = errors.New("the state is " + act + " after it was removed")
	}
	return s.err == nil
}

// opened are the columns of the state, for a migration, which has no open of its own.
var opened []abi.Field

// Opened are the columns of the state; not for plugins.
func Opened() []abi.Field { return opened }

var operator interface {
	open(config string, key, value []abi.Field) (*abi.Answer, error)
	update(input input) (*abi.Answer, error)
}

type input struct {
	keys, values, states abi.Batch
	ends                 []uint32
	isKnown, hasTimedOut []byte
	now                  int64
}

type updater[K, V, S, R any] struct {
	key     *rows.Type[K]
	value   *rows.Type[V]
	state   *rows.Type[S]
	row     *rows.Type[R]
	each    func(u *updater[K, V, S, R], key Key[K], values []V, kept *State[S]) error
	answers *rows.Builder[R]

	keyOrder, valueOrder []uint32
}

func newUpdater[K, V, S, R any](each func(*updater[K, V, S, R], Key[K], []V, *State[S]) error) *updater[K, V, S, R] {
	return &updater[K, V, S, R]{
		key: rows.NewType[K](), value: rows.NewType[V](), state: rows.NewType[S](), row: rows.NewType[R](), each: each,
	}
}

func (u *updater[K, V, S, R]) open(config string, key, value []abi.Field) (answer *abi.Answer, err error) {
	if err := guest.ReadConfig(config); err != nil {
		return nil, err
	}
	for _, err := range []error{u.state.Err(), u.row.Err()} {
		if err != nil {
			return nil, err
		}
	}
	opened = u.state.Fields
	if u.keyOrder, err = u.key.Bind(key, "the key"); err != nil {
		return nil, err
	}
	u.valueOrder, err = u.value.Bind(value, "the value")
	return abi.OK().Fields(u.state.Fields).Fields(u.row.Fields), err
}

func (u *updater[K, V, S, R]) update(in input) (*abi.Answer, error) {
	keys, err := u.key.Read(in.keys, u.keyOrder, nil, nil)
	if err != nil {
		return nil, err
	}
	values, err := u.value.Read(in.values, u.valueOrder, nil, nil)
	if err != nil {
		return nil, err
	}
	before, err := u.state.Read(in.states, nil, in.isKnown, nil)
	if err != nil {
		return nil, err
	}
	u.answers = u.row.NewBuilder(u.row.Fields)
	states := u.state.NewBuilder(u.state.Fields)
	kept, now := make([]byte, len(keys)), time.UnixMicro(in.now).UTC()
	for i, group := range rows.Groups(in.ends, values) {
		state := &State[S]{isTimingOut: in.hasTimedOut[i] != 0 && len(group) == 0}
		if in.isKnown[i] != 0 {
			state.value = &before[i]
		}
		u.answers.Origin = uint32(i)
		if err := errors.Join(u.each(u, Key[K]{keys[i], now}, group, state), state.err); err != nil {
			return nil, err
		}
		if state.value == nil || state.isTimingOut {
			states.Blank()
			continue
		}
		kept[i] = 1
		states.Add(*state.value)
	}
	batch, err := u.answers.Batch()
	if err != nil {
		return nil, err
	}
	after, err := states.Batch()
	return abi.OK().Batch(after).Bytes(kept).Batch(batch).Uint32s(u.answers.Origins), err
}
