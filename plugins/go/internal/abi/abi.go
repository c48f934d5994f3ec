// Package abi is what crosses the sandbox, as it lies in memory: the records of wit/, by the canonical ABI of the
// component model. Pointers have 32 bits there, which Go's have not.
package abi

import "unsafe"

// The types that a column may have.
const (
	Boolean uint8 = iota
	Int64
	Float64
	Utf8
	Binary
	Timestamp
)

// TypeNames are their names.
var TypeNames = [...]string{"boolean", "int64", "float64", "utf8", "binary", "timestamp"}

// Field is a column of a schema.
type Field struct {
	Name     string
	Type     uint8
	Nullable bool
}

// Column holds the values of a column: those of its type count. Valid is nil where no value is missing.
type Column struct {
	Type    uint8
	Bools   []byte
	Ints    []int64
	Floats  []float64
	Offsets []uint32
	Data    []byte
	Valid   []byte
}

// Batch is rows, column by column.
type Batch struct {
	Rows    int
	Columns []Column
}

// Rejected is a row that is refused.
type Rejected struct {
	Row    uint32
	Reason string
}

type list struct{ ptr, len uint32 }

type field struct {
	name     list
	dataType uint8
	nullable bool
	_        [2]byte
}

type column struct {
	dataType uint8
	_        [3]byte
	first    list
	second   list
	hasValid uint32
	valid    list
}

type batch struct {
	rows    uint32
	columns list
}

type rejected struct {
	row    uint32
	reason list
}

func slice[T any](ptr, len uint32) []T {
	if len == 0 {
		return nil
	}
	return unsafe.Slice((*T)(pointer(ptr)), len)
}

func of[T any](l list) []T { return slice[T](l.ptr, l.len) }

// String is the text at ptr.
func String(ptr, len uint32) string {
	bytes := slice[byte](ptr, len)
	return unsafe.String(unsafe.SliceData(bytes), len)
}

// Uint32s are the numbers at ptr.
func Uint32s(ptr, len uint32) []uint32 { return slice[uint32](ptr, len) }

// Bytes are the flags at ptr.
func Bytes(ptr, len uint32) []byte { return slice[byte](ptr, len) }

// Fields is the schema at ptr. The names are copied, because a schema outlives its call.
func Fields(ptr, len uint32) []Field {
	fields := make([]Field, 0, len)
	for _, f := range slice[field](ptr, len) {
		name := string(slice[byte](f.name.ptr, f.name.len))
		fields = append(fields, Field{name, f.dataType, f.nullable})
	}
	return fields
}

// Columns is the batch whose columns are at ptr.
func Columns(rows, ptr, len uint32) Batch {
	columns := make([]Column, 0, len)
	for _, c := range slice[column](ptr, len) {
		into := Column{Type: c.dataType}
		switch c.dataType {
		case Boolean:
			into.Bools = of[byte](c.first)
		case Int64, Timestamp:
			into.Ints = of[int64](c.first)
		case Float64:
			into.Floats = of[float64](c.first)
		default:
			into.Offsets, into.Data = of[uint32](c.first), of[byte](c.second)
		}
		if c.hasValid&0xff != 0 {
			into.Valid = of[byte](c.valid)
		}
		columns = append(columns, into)
	}
	return Batch{int(rows), columns}
}

// Answer is what a function answers, word by word. What it points to is kept until the call ends.
type Answer struct {
	words []uint32
}

// OK begins an answer that is no error.
func OK() *Answer { return &Answer{[]uint32{0}} }

// Failed is the answer that is an error.
func Failed(text string) *Answer { return (&Answer{[]uint32{1}}).Text(text) }

// At is where it lies in memory.
func (a *Answer) At() uint32 { return keep(a.words).ptr }

// Text adds a text.
func (a *Answer) Text(text string) *Answer { return a.list(keepText(text)) }

// Fields adds a schema.
func (a *Answer) Fields(fields []Field) *Answer {
	written := make([]field, len(fields))
	for i, f := range fields {
		written[i] = field{name: keepText(f.Name), dataType: f.Type, nullable: f.Nullable}
	}
	return a.list(keep(written))
}

// Uint32s adds a list of numbers.
func (a *Answer) Uint32s(numbers []uint32) *Answer { return a.list(keep(numbers)) }

// Bytes adds a list of flags.
func (a *Answer) Bytes(flags []byte) *Answer { return a.list(keep(flags)) }

// Some says that what follows is there.
func (a *Answer) Some() *Answer {
	a.words = append(a.words, 1)
	return a
}

// Batch adds rows.
func (a *Answer) Batch(b Batch) *Answer {
	written := make([]column, len(b.Columns))
	for i, c := range b.Columns {
		into := &written[i]
		into.dataType = c.Type
		switch c.Type {
		case Boolean:
			into.first = keep(c.Bools)
		case Int64, Timestamp:
			into.first = keep(c.Ints)
		case Float64:
			into.first = keep(c.Floats)
		default:
			into.first, into.second = keep(c.Offsets), keep(c.Data)
		}
		if into.valid = keep(c.Valid); c.Valid != nil {
			into.hasValid = 1
		}
	}
	a.words = append(a.words, uint32(b.Rows))
	return a.list(keep(written))
}

// Rejects adds rows that are refused.
func (a *Answer) Rejects(rows []Rejected) *Answer {
	written := make([]rejected, len(rows))
	for i, r := range rows {
		written[i] = rejected{r.Row, keepText(r.Reason)}
	}
	return a.list(keep(written))
}

func (a *Answer) list(l list) *Answer {
	a.words = append(a.words, l.ptr, l.len)
	return a
}

// held is what the host reads or writes during a call, so that the collector leaves it; nothing else points to it.
var held []any

func keep[T any](values []T) list {
	if len(values) == 0 {
		// Any place that is aligned will do.
		return list{8, 0}
	}
	held = append(held, values)
	return list{address(unsafe.Pointer(unsafe.SliceData(values))), uint32(len(values))}
}

func keepText(text string) list {
	return keep(unsafe.Slice(unsafe.StringData(text), len(text)))
}

// EndCall lets go of what a call was about.
func EndCall() {
	clear(held)
	held = held[:0]
}
