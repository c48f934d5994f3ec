package migrate

import (
	"testing"

	"tidemill/internal/abi"
	"tidemill/internal/rows"
)

func TestTheColumnsSayWhichMigrationIsMeant(t *testing.T) {
	defer func() { migrations = nil }()
	type old struct {
		Total int64
		Note  *string
	}
	From(func(sum int64) (int64, error) { return sum, nil })
	From(func(earlier old) (int64, error) { return earlier.Total, nil })
	of := func(kept ...abi.Field) int {
		for i, m := range migrations {
			if m.order(kept) != nil {
				return i
			}
		}
		return -1
	}
	note, total := abi.Field{Name: "note", Type: abi.Utf8, Nullable: true}, abi.Field{Name: "total", Type: abi.Int64}
	if of(total) != 0 || of(note, total) != 1 || of(note) != -1 || of(note, total, abi.Field{Name: "x"}) != -1 {
		t.Error("another one was taken")
	}
	_, err := migrate([]abi.Field{note}, abi.Batch{})
	if err == nil || err.Error() != "no earlier version is known with this state; "+rows.Tell([]abi.Field{note}) {
		t.Errorf("%v", err)
	}
}
