package guest

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"tidemill/internal/rows"
)

// config is the struct that a plugin declared; none where it takes none.
var config reflect.Value

// DeclareConfig says where the config goes.
func DeclareConfig(into any) { config = reflect.ValueOf(into).Elem() }

// ReadConfig reads what the manifest gives, as JSON, and checks it against what is declared.
func ReadConfig(text string) error {
	given, err := parse(text)
	if err != nil {
		return err
	}
	table, isTable := given.(map[string]any)
	if !isTable && given != nil {
		return fmt.Errorf("config: a table is wanted, not %s", text)
	}
	if !config.IsValid() {
		if len(table) > 0 {
			return errors.New("config: this plugin takes none")
		}
		return nil
	}
	if config.Kind() != reflect.Struct {
		return errors.New("config: it has to be declared as a struct")
	}
	return readTable(table, config, "")
}

func readTable(given map[string]any, into reflect.Value, prefix string) error {
	var names []string
	for i := range into.NumField() {
		name, tags := rows.NameOf(into.Type().Field(i))
		names = append(names, "`"+name+"`")
		value, isGiven := given[name]
		if !isGiven {
			if strings.Contains(tags, "required") {
				return fmt.Errorf("config: missing field `%s%s`", prefix, name)
			}
			continue
		}
		if err := assign(value, into.Field(i), prefix+name); err != nil {
			return err
		}
	}
	if len(names) > 0 {
		for name := range given {
			if !strings.Contains(strings.Join(names, ""), "`"+name+"`") {
				oneOf := ""
				if len(names) > 1 {
					oneOf = "one of "
				}
				return fmt.Errorf("config: unknown field `%s%s`, expected %s%s", prefix, name, oneOf, strings.Join(names, ", "))
			}
		}
	}
	return nil
}

// assign puts a value of JSON into one of Go.
func assign(value any, into reflect.Value, name string) error {
	misfit := fmt.Errorf("config: `%s` is %s, but %s is wanted", name, written(value), into.Type())
	switch value := value.(type) {
	case bool:
		if into.Kind() == reflect.Bool {
			into.SetBool(value)
			return nil
		}
	case string:
		if into.Kind() == reflect.String {
			into.SetString(value)
			return nil
		}
	case number:
		if into.CanInt() {
			whole, err := strconv.ParseInt(string(value), 10, 64)
			if err == nil && !into.OverflowInt(whole) {
				into.SetInt(whole)
				return nil
			}
		} else if into.CanFloat() {
			float, err := strconv.ParseFloat(string(value), 64)
			if err == nil {
				into.SetFloat(float)
				return nil
			}
		}
	case []any:
		if into.Kind() == reflect.Slice {
			list := reflect.MakeSlice(into.Type(), len(value), len(value))
			for i, inner := range value {
				if err := assign(inner, list.Index(i), fmt.Sprintf("%s[%d]", name, i)); err != nil {
					return err
				}
			}
			into.Set(list)
			return nil
		}
	case map[string]any:
		if into.Kind() == reflect.Struct {
			return readTable(value, into, name+".")
		}
		if into.Kind() == reflect.Map && into.Type().Key().Kind() == reflect.String {
			table := reflect.MakeMap(into.Type())
			for key, inner := range value {
				element := reflect.New(into.Type().Elem()).Elem()
				if err := assign(inner, element, name+"."+key); err != nil {
					return err
				}
				table.SetMapIndex(reflect.ValueOf(key).Convert(into.Type().Key()), element)
			}
			into.Set(table)
			return nil
		}
	}
	return misfit
}
