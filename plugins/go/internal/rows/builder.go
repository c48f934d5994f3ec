package rows

import (
	"fmt"
	"math"
	"time"
	"unsafe"

	"tidemill/internal/abi"
)

// Builder makes columns of rows, one for each input row or key after the other.
type Builder[T any] struct {
	kind    *Type[T]
	fields  []abi.Field
	columns []abi.Column
	valid   [][]byte
	hasNull []bool
	rows    int
	// Origins are the input rows or keys that the rows come from.
	Origins []uint32
	// Origin is that of the rows that are added now.
	Origin uint32
	err    error
}

// NewBuilder begins columns of these fields, which are those of the type but for whether they may be null.
func (t *Type[T]) NewBuilder(fields []abi.Field) *Builder[T] {
	b := &Builder[T]{kind: t, fields: fields, columns: make([]abi.Column, len(fields))}
	b.valid, b.hasNull = make([][]byte, len(fields)), make([]bool, len(fields))
	for i, field := range fields {
		b.columns[i].Type = field.Type
		if field.Type == abi.Utf8 || field.Type == abi.Binary {
			b.columns[i].Offsets = []uint32{0}
		}
	}
	return b
}

// Add adds a row.
func (b *Builder[T]) Add(row T) {
	for i := range b.fields {
		b.put(i, unsafe.Add(unsafe.Pointer(&row), b.kind.offsets[i]))
	}
	b.rows++
	b.Origins = append(b.Origins, b.Origin)
}

// put adds the value that lies at the place `at` to column i.
func (b *Builder[T]) put(i int, at unsafe.Pointer) {
	if b.kind.Fields[i].Nullable {
		at = *(*unsafe.Pointer)(at)
	}
	field, column := b.fields[i], &b.columns[i]
	isNull := at == nil
	if isNull {
		b.hasNull[i] = true
		if !field.Nullable && b.err == nil {
			dataType := abi.TypeNames[field.Type]
			b.err = fmt.Errorf("column `%s` got no value in row %d; declare it as a `%s?`", field.Name, b.rows, dataType)
		}
	}
	b.valid[i] = append(b.valid[i], flag(!isNull))
	switch field.Type {
	case abi.Boolean:
		column.Bools = append(column.Bools, flag(!isNull && *(*bool)(at)))
	case abi.Int64:
		column.Ints = append(column.Ints, read[int64](at))
	case abi.Float64:
		column.Floats = append(column.Floats, read[float64](at))
	case abi.Timestamp:
		micros := int64(0)
		if !isNull {
			micros = (*(*time.Time)(at)).UnixMicro()
		}
		column.Ints = append(column.Ints, micros)
	case abi.Utf8:
		column.Data = append(column.Data, read[string](at)...)
		b.end(column)
	case abi.Binary:
		column.Data = append(column.Data, read[[]byte](at)...)
		b.end(column)
	}
}

func (b *Builder[T]) end(column *abi.Column) {
	if len(column.Data) > math.MaxInt32 && b.err == nil {
		b.err = fmt.Errorf("a column holds more than 2 GiB")
	}
	column.Offsets = append(column.Offsets, uint32(len(column.Data)))
}

func read[V any](at unsafe.Pointer) (value V) {
	if at != nil {
		value = *(*V)(at)
	}
	return value
}

func flag(value bool) byte {
	if value {
		return 1
	}
	return 0
}

// Blank adds a row that means nothing.
func (b *Builder[T]) Blank() {
	var blank T
	isNull := b.err
	b.Add(blank)
	b.err = isNull
}

// Rows is how many there are.
func (b *Builder[T]) Rows() int { return b.rows }

// Cut takes back all rows from row `rows` on.
func (b *Builder[T]) Cut(rows int) {
	if rows == b.rows {
		return
	}
	b.rows, b.Origins = rows, b.Origins[:rows]
	for i := range b.columns {
		column := &b.columns[i]
		b.valid[i] = b.valid[i][:rows]
		switch column.Type {
		case abi.Boolean:
			column.Bools = column.Bools[:rows]
		case abi.Int64, abi.Timestamp:
			column.Ints = column.Ints[:rows]
		case abi.Float64:
			column.Floats = column.Floats[:rows]
		default:
			column.Offsets = column.Offsets[:rows+1]
			column.Data = column.Data[:column.Offsets[rows]]
		}
	}
}

// Batch is all rows; an error where one doesn't fit its column.
func (b *Builder[T]) Batch() (abi.Batch, error) {
	for i := range b.columns {
		if b.hasNull[i] {
			b.columns[i].Valid = b.valid[i]
		}
	}
	return abi.Batch{Rows: b.rows, Columns: b.columns}, b.err
}

// Groups are where the rows of each key begin and end.
func Groups[T any](ends []uint32, all []T) [][]T {
	groups, start := make([][]T, len(ends)), uint32(0)
	for i, end := range ends {
		groups[i] = all[start:end:end]
		start = end
	}
	return groups
}
