package transform_test

import (
	"fmt"
	"strings"

	"tidemill"
	"tidemill/transform"
)

type Line struct{ Line string }

type Word struct {
	Word string
	N    int64 `tidemill:"n"`
}

// In a plugin the registration stands in init.
func ExampleFlatMap() {
	splitWords := func(row Line, emit func(Word)) error {
		for _, word := range strings.Fields(row.Line) {
			if len(word) > 8 {
				return tidemill.Reject("%q is too long", word)
			}
			emit(Word{word, 1})
		}
		return nil
	}
	transform.FlatMap(splitWords)

	show := func(word Word) { fmt.Println(word.Word, word.N) }
	fmt.Println(splitWords(Line{"to be"}, show))
	fmt.Println(splitWords(Line{"interminable"}, show))
	// Output:
	// to 1
	// be 1
	// <nil>
	// "interminable" is too long
}

func ExampleFilter() {
	isLong := func(row Line) (bool, error) { return len(row.Line) > 3, nil }
	transform.Filter(isLong)

	fmt.Println(isLong(Line{"to be"}))
	// Output: true <nil>
}
