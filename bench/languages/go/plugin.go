// The word count of the benchmarks, in Go: split, as rows, and a sum, also for windows.
package main

import (
	"strings"

	"tidemill/inverse"
	"tidemill/reduce"
	"tidemill/transform"
)

func init() {
	transform.FlatMap(splitWords)
	reduce.By(func(a, b int64) int64 { return a + b })
	inverse.By(func(total, b int64) int64 { return total - b })
}

func main() {}

type Line struct{ Line string }

type Word struct {
	Word string
	N    int64
}

func splitWords(row Line, emit func(Word)) error {
	for word := range strings.FieldsSeq(row.Line) {
		emit(Word{word, 1})
	}
	return nil
}
