// Package test has the tests of the SDK that need no component.
package test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"tidemill"
	"tidemill/internal/abi"
	"tidemill/internal/guest"
	"tidemill/internal/rows"
	"tidemill/state"
)

type all struct {
	Flag     bool
	Count    int64
	Price    *float64
	UnitName string `tidemill:"name"`
	Note     *string
	RawData  []byte
	At       *time.Time
}

func TestRowsComeBackAsTheyWere(t *testing.T) {
	price, note, at := 1.5, "é", time.UnixMicro(-1).UTC()
	kind := rows.NewType[all]()
	builder := kind.NewBuilder(kind.Fields)
	wanted := []all{{true, 1 << 62, &price, "a", &note, []byte{0, 255}, &at}, {UnitName: "", RawData: []byte{}}}
	for _, row := range wanted {
		builder.Add(row)
	}
	builder.Add(all{})
	builder.Cut(2)
	batch, err := builder.Batch()
	if err != nil {
		t.Fatal(err)
	}
	found, err := kind.Read(batch, nil, nil, nil)
	if err != nil || !reflect.DeepEqual(found, wanted) {
		t.Errorf("%v, %v", found, err)
	}
	schema := "flag: boolean, count: int64, price: float64?, name: utf8, note: utf8?, raw_data: binary, at: timestamp?"
	if told := rows.Tell(kind.Fields); told != "the columns are: "+schema {
		t.Error(told)
	}
}

func TestAValueThatIsMissingIsAnError(t *testing.T) {
	kind := rows.NewType[int64]()
	builder := rows.NewType[*int64]().NewBuilder([]abi.Field{{Name: "n", Type: abi.Int64}})
	builder.Add(nil)
	batch, err := builder.Batch()
	if err == nil || !strings.HasPrefix(err.Error(), "column `n` got no value in row 0; ") {
		t.Errorf("%v", err)
	}
	if _, err := kind.Read(batch, nil, nil, nil); err == nil || err.Error() != "row 0 holds no value" {
		t.Errorf("%v", err)
	}
	if _, err := kind.Read(batch, nil, []byte{0}, nil); err != nil {
		t.Errorf("a row that doesn't count: %v", err)
	}
}

func TestTypesThatNoColumnHasAreTold(t *testing.T) {
	_, err := rows.NewType[struct{ N int32 }]().Bind(nil, "")
	if err == nil || !strings.HasPrefix(err.Error(), "`n` is of type int32, which no column has; ") {
		t.Errorf("%v", err)
	}
}

type settings struct {
	Most   int64 `tidemill:"most,required"`
	Names  []string
	Limits map[string]float64
	Nested struct{ On bool }
}

func TestConfigsAreReadAndChecked(t *testing.T) {
	config := tidemill.NewConfig(settings{Names: []string{"default"}})
	given := `{"most": 64, "names": ["a\u00e9\ud83c\udf0a\n", "\/"], "limits": {"x": 1e3}, "nested": {"on": true}}`
	if err := guest.ReadConfig(given); err != nil {
		t.Fatal(err)
	}
	wanted := settings{Most: 64, Names: []string{"aé🌊\n", "/"}, Limits: map[string]float64{"x": 1000}}
	wanted.Nested.On = true
	if found := config.Get(); !reflect.DeepEqual(found, wanted) {
		t.Errorf("%+v", found)
	}
	for text, wanted := range map[string]string{
		`null`:                      "config: missing field `most`",
		`{"most": 1.5}`:             "config: `most` is 1.5, but int64 is wanted",
		`{"most": 1, "x": 1}`:       "config: unknown field `x`, expected one of `most`, `names`, `limits`, `nested`",
		`{"most": 1, "names": [1]}`: "config: `names[0]` is 1, but string is wanted",
		`{"most"}`:                  "config: not JSON",
		`[`:                         "config: not JSON",
		`3`:                         "config: a table is wanted, not 3",
	} {
		if err := guest.ReadConfig(text); err == nil || err.Error() != wanted {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestAStateIsChangedAndForgotten(t *testing.T) {
	one := int64(1)
	kept := state.New(&one)
	kept.Update(2)
	if value, exists := kept.Get(); value != 2 || !exists {
		t.Errorf("%v, %v", value, exists)
	}
	kept.Remove()
	if _, exists := kept.Get(); exists {
		t.Error("it is still there")
	}
}
