// Package rows turns columns into structs and plain values of Go, and back.
package rows

import (
	"fmt"
	"slices"
	"strings"

	"tidemill/internal/abi"
)

// Tell is a schema as an error tells it.
func Tell(fields []abi.Field) string {
	if len(fields) == 0 {
		return "there are no columns"
	}
	shown := make([]string, len(fields))
	for i, f := range fields {
		shown[i] = f.Name + ": " + abi.TypeNames[f.Type]
		if f.Nullable {
			shown[i] += "?"
		}
	}
	return "the columns are: " + strings.Join(shown, ", ")
}

// Bind answers where the columns of the type stand in a schema; a plain value's may have any name.
func (t *Type[T]) Bind(schema []abi.Field, what string) ([]uint32, error) {
	if t.err != nil {
		return nil, t.err
	}
	if what != "" {
		what += ": "
	}
	if t.IsPlain {
		wanted := t.Fields[0].Type
		if len(schema) != 1 || schema[0].Type != wanted {
			return nil, fmt.Errorf("%sone column of type %s is wanted; %s", what, abi.TypeNames[wanted], Tell(schema))
		}
		return []uint32{0}, nil
	}
	order := make([]uint32, len(t.Fields))
	for i, wanted := range t.Fields {
		index := slices.IndexFunc(schema, func(f abi.Field) bool { return f.Name == wanted.Name })
		name, dataType := wanted.Name, abi.TypeNames[wanted.Type]
		if index < 0 {
			return nil, fmt.Errorf("%sthere is no column `%s` of type %s; %s", what, name, dataType, Tell(schema))
		}
		if found := schema[index].Type; found != wanted.Type {
			shown := abi.TypeNames[found]
			return nil, fmt.Errorf("%scolumn `%s` is %s, but %s is wanted; %s", what, name, shown, dataType, Tell(schema))
		}
		order[i] = uint32(index)
	}
	return order, nil
}

// AllBut are the indices of all columns but those that one of `replaced` names.
func AllBut(schema, replaced []abi.Field) []uint32 {
	var indices []uint32
	for i, f := range schema {
		if !slices.ContainsFunc(replaced, func(other abi.Field) bool { return other.Name == f.Name }) {
			indices = append(indices, uint32(i))
		}
	}
	return indices
}
