// Package cogroup makes an operator of a function of a key and its rows of two streams. A plugin has one of them.
package cogroup

import (
	"tidemill/internal/abi"
	"tidemill/internal/guest"
	"tidemill/internal/rows"
)

// By makes an operator of f, which is called for each key with its rows of two streams, either of which may have none. It calls
// emit for each row that comes out. A key of type struct{} isn't looked at.
func By[K, L, R, Out any](f func(key K, left []L, right []R, emit func(Out)) error) {
	operator = &pairing[K, L, R, Out]{
		key: rows.NewType[K](), left: rows.NewType[L](), right: rows.NewType[R](), out: rows.NewType[Out](), f: f,
	}
}

var operator interface {
	open(config string, key, left, right []abi.Field) (*abi.Answer, error)
	process(keys abi.Batch, leftEnds []uint32, left abi.Batch, rightEnds []uint32, right abi.Batch) (*abi.Answer, error)
}

type pairing[K, L, R, Out any] struct {
	key   *rows.Type[K]
	left  *rows.Type[L]
	right *rows.Type[R]
	out   *rows.Type[Out]
	f     func(K, []L, []R, func(Out)) error

	keyOrder, leftOrder, rightOrder []uint32
}

func (p *pairing[K, L, R, Out]) open(config string, key, left, right []abi.Field) (answer *abi.Answer, err error) {
	if err := guest.ReadConfig(config); err != nil {
		return nil, err
	}
	if p.keyOrder, err = p.key.Bind(key, "the key"); err != nil {
		return nil, err
	}
	if p.leftOrder, err = p.left.Bind(left, "the left side"); err != nil {
		return nil, err
	}
	if p.rightOrder, err = p.right.Bind(right, "the right side"); err != nil {
		return nil, err
	}
	return abi.OK().Fields(p.out.Fields), p.out.Err()
}

func (p *pairing[K, L, R, Out]) process(
	keyBatch abi.Batch, leftEnds []uint32, leftBatch abi.Batch, rightEnds []uint32, rightBatch abi.Batch,
) (*abi.Answer, error) {
	keys, err := p.key.Read(keyBatch, p.keyOrder, nil, nil)
	if err != nil {
		return nil, err
	}
	left, err := p.left.Read(leftBatch, p.leftOrder, nil, nil)
	if err != nil {
		return nil, err
	}
	right, err := p.right.Read(rightBatch, p.rightOrder, nil, nil)
	if err != nil {
		return nil, err
	}
	builder := p.out.NewBuilder(p.out.Fields)
	leftGroups, rightGroups := rows.Groups(leftEnds, left), rows.Groups(rightEnds, right)
	for i, key := range keys {
		builder.Origin = uint32(i)
		if err := p.f(key, leftGroups[i], rightGroups[i], builder.Add); err != nil {
			return nil, err
		}
	}
	batch, err := builder.Batch()
	return abi.OK().Batch(batch).Uint32s(builder.Origins), err
}
