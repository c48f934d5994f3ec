// The words of a line.
package main

import (
	"strings"
	"unicode/utf8"

	"tidemill"
	"tidemill/transform"
)

func init() { transform.FlatMap(splitWords) }

func main() {}

type Line struct{ Line string }

type Word struct{ Word string }

func splitWords(row Line, emit func(Word)) error {
	for _, word := range strings.Fields(row.Line) {
		if size := utf8.RuneCountInString(word); size > 64 {
			return tidemill.Reject("a word has %d characters, at most 64 are allowed", size)
		}
		emit(Word{strings.ToLower(word)})
	}
	return nil
}
