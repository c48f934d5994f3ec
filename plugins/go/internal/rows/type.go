package rows

import (
	"fmt"
	"reflect"
	"strings"
	"time"
	"unicode"
	"unsafe"

	"tidemill/internal/abi"
)

// Type is what columns a type of Go stands for: a struct is a row, anything else one column.
type Type[T any] struct {
	IsPlain bool
	Fields  []abi.Field
	// Where each field lies in a value.
	offsets []uintptr
	err     error
}

// NewType looks at T. What is wrong with it is told when it is bound.
func NewType[T any]() *Type[T] {
	goType := reflect.TypeFor[T]()
	t := &Type[T]{}
	if goType.Kind() != reflect.Struct || goType == timeType {
		t.IsPlain = true
		t.add("state", goType, 0)
		return t
	}
	for i := range goType.NumField() {
		field := goType.Field(i)
		if !field.IsExported() {
			t.err = fmt.Errorf("the field %s.%s can't be a column, because it isn't exported", goType, field.Name)
			continue
		}
		name, _ := NameOf(field)
		t.add(name, field.Type, field.Offset)
	}
	return t
}

// Err is what is wrong with the type.
func (t *Type[T]) Err() error { return t.err }

var timeType = reflect.TypeFor[time.Time]()

func (t *Type[T]) add(name string, goType reflect.Type, offset uintptr) {
	field := abi.Field{Name: name, Nullable: goType.Kind() == reflect.Pointer}
	if field.Nullable {
		goType = goType.Elem()
	}
	switch {
	case goType == timeType:
		field.Type = abi.Timestamp
	case goType.Kind() == reflect.Bool:
		field.Type = abi.Boolean
	case goType.Kind() == reflect.Int64 || goType.Kind() == reflect.Int && goType.Size() == 8:
		field.Type = abi.Int64
	case goType.Kind() == reflect.Float64:
		field.Type = abi.Float64
	case goType.Kind() == reflect.String:
		field.Type = abi.Utf8
	case goType.Kind() == reflect.Slice && goType.Elem().Kind() == reflect.Uint8:
		field.Type = abi.Binary
	default:
		t.err = fmt.Errorf("`%s` is of type %s, which no column has; take bool, int64, float64, string, []byte or "+
			"time.Time, or a pointer to one where there may be no value", name, goType)
	}
	t.Fields = append(t.Fields, field)
	t.offsets = append(t.offsets, offset)
}

// NameOf is the name of a field as a column, and what else its tag says.
func NameOf(field reflect.StructField) (name, rest string) {
	name, rest, _ = strings.Cut(field.Tag.Get("tidemill"), ",")
	if name == "" {
		name = snake(field.Name)
	}
	return name, rest
}

// snake is `UnitPrice` as `unit_price`, and `UserID` as `user_id`.
func snake(name string) string {
	var out strings.Builder
	letters := []rune(name)
	for i, letter := range letters {
		isUpper := unicode.IsUpper(letter)
		if isUpper && i > 0 && (!unicode.IsUpper(letters[i-1]) || i+1 < len(letters) && unicode.IsLower(letters[i+1])) {
			out.WriteByte('_')
		}
		out.WriteRune(unicode.ToLower(letter))
	}
	return out.String()
}

// Missing is told where a value is missing that a row needs.
type Missing struct {
	Row    int
	Column string
}

func (m *Missing) Error() string { return fmt.Sprintf("row %d holds no value", m.Row) }

// Read answers the rows of a batch whose columns stand at order; nil for all as they come. Where missing is there it is
// called for values that a row needs and hasn't; else the first one is an error. Rows whose flag in known is 0 don't count.
func (t *Type[T]) Read(batch abi.Batch, order []uint32, known []byte, missing func(Missing)) ([]T, error) {
	all := make([]T, batch.Rows)
	if batch.Rows == 0 {
		return all, nil
	}
	size := unsafe.Sizeof(all[0])
	for i, field := range t.Fields {
		at := i
		if order != nil {
			at = int(order[i])
		}
		column := batch.Columns[at]
		if !field.Nullable {
			for row, valid := range column.Valid {
				if valid != 0 || known != nil && known[row] == 0 {
					continue
				}
				found := Missing{row, field.Name}
				if missing == nil {
					return nil, &found
				}
				missing(found)
			}
		}
		fill(unsafe.Add(unsafe.Pointer(&all[0]), t.offsets[i]), size, batch.Rows, field, column)
	}
	return all, nil
}

func fill(to unsafe.Pointer, size uintptr, numRows int, field abi.Field, column abi.Column) {
	switch field.Type {
	case abi.Boolean:
		put(to, size, field, column, numRows, func(row int) *bool { return (*bool)(unsafe.Pointer(&column.Bools[row])) })
	case abi.Int64:
		put(to, size, field, column, numRows, func(row int) *int64 { return &column.Ints[row] })
	case abi.Float64:
		put(to, size, field, column, numRows, func(row int) *float64 { return &column.Floats[row] })
	case abi.Timestamp:
		times := make([]time.Time, numRows)
		put(to, size, field, column, numRows, func(row int) *time.Time {
			times[row] = time.UnixMicro(column.Ints[row]).UTC()
			return &times[row]
		})
	case abi.Utf8:
		texts := make([]string, numRows)
		put(to, size, field, column, numRows, func(row int) *string {
			bytes := column.Data[column.Offsets[row]:column.Offsets[row+1]]
			texts[row] = unsafe.String(unsafe.SliceData(bytes), len(bytes))
			return &texts[row]
		})
	case abi.Binary:
		pieces := make([][]byte, numRows)
		put(to, size, field, column, numRows, func(row int) *[]byte {
			end := column.Offsets[row+1]
			pieces[row] = column.Data[column.Offsets[row]:end:end]
			return &pieces[row]
		})
	}
}

func put[V any](to unsafe.Pointer, size uintptr, field abi.Field, column abi.Column, numRows int, value func(int) *V) {
	for row := range numRows {
		switch {
		case !field.Nullable:
			*(*V)(to) = *value(row)
		case column.Valid == nil || column.Valid[row] != 0:
			*(**V)(to) = value(row)
		}
		to = unsafe.Add(to, size)
	}
}
