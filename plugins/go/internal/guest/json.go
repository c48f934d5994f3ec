package guest

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf16"
)

// A reader of JSON for configs: encoding/json is as large as all else of a plugin together. What it answers are bool,
// string, number, []any, map[string]any and nil.

// number is one as it is written.
type number string

var errJSON = errors.New("config: not JSON")

type reader struct{ text string }

// parse reads a whole text.
func parse(text string) (any, error) {
	r := reader{text}
	value, err := r.value(0)
	if r.skip(); err == nil && r.text != "" {
		err = errJSON
	}
	return value, err
}

func (r *reader) skip() { r.text = strings.TrimLeft(r.text, " \t\r\n") }

// take goes past `next`, where it comes next.
func (r *reader) take(next string) bool {
	r.skip()
	rest, found := strings.CutPrefix(r.text, next)
	r.text = rest
	return found
}

func (r *reader) value(depth int) (any, error) {
	switch {
	case depth > 100:
		return nil, errJSON
	case r.take("null"):
		return nil, nil
	case r.take("true"):
		return true, nil
	case r.take("false"):
		return false, nil
	case r.take(`"`):
		return r.string()
	case r.take("["):
		list := []any{}
		for !r.take("]") {
			if len(list) > 0 && !r.take(",") {
				return nil, errJSON
			}
			value, err := r.value(depth + 1)
			if err != nil {
				return nil, err
			}
			list = append(list, value)
		}
		return list, nil
	case r.take("{"):
		table := map[string]any{}
		for !r.take("}") {
			if len(table) > 0 && !r.take(",") || !r.take(`"`) {
				return nil, errJSON
			}
			name, err := r.string()
			if err != nil || !r.take(":") {
				return nil, errJSON
			}
			if table[name], err = r.value(depth + 1); err != nil {
				return nil, err
			}
		}
		return table, nil
	}
	end := strings.IndexAny(r.text, " \t\r\n,:]}")
	if end < 0 {
		end = len(r.text)
	}
	written := r.text[:end]
	r.text = r.text[end:]
	if _, err := strconv.ParseFloat(written, 64); err != nil {
		return nil, errJSON
	}
	return number(written), nil
}

// string reads to the closing quote.
func (r *reader) string() (string, error) {
	var out strings.Builder
	for {
		end := strings.IndexAny(r.text, `"\`)
		if end < 0 || end+1 >= len(r.text) && r.text[end] == '\\' {
			return "", errJSON
		}
		out.WriteString(r.text[:end])
		if r.text[end] == '"' {
			r.text = r.text[end+1:]
			return out.String(), nil
		}
		letter := r.text[end+1]
		r.text = r.text[end+2:]
		if letter == 'u' {
			code, err := r.hex()
			if err != nil {
				return "", err
			}
			if utf16.IsSurrogate(code) && strings.HasPrefix(r.text, `\u`) {
				r.text = r.text[2:]
				low, err := r.hex()
				if err != nil {
					return "", err
				}
				code = utf16.DecodeRune(code, low)
			}
			out.WriteRune(code)
			continue
		}
		if at := strings.IndexByte("bfnrt", letter); at >= 0 {
			letter = "\b\f\n\r\t"[at]
		}
		out.WriteByte(letter)
	}
}

func (r *reader) hex() (rune, error) {
	if len(r.text) < 4 {
		return 0, errJSON
	}
	code, err := strconv.ParseUint(r.text[:4], 16, 16)
	if err != nil {
		return 0, errJSON
	}
	r.text = r.text[4:]
	return rune(code), nil
}

// written is a value as JSON, for errors.
func written(value any) string {
	switch value := value.(type) {
	case string:
		return strconv.Quote(value)
	case number:
		return string(value)
	case bool:
		return strconv.FormatBool(value)
	case []any:
		return "a list"
	case map[string]any:
		return "a table"
	}
	return "null"
}
