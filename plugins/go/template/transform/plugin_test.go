package main

import (
	"slices"
	"strings"
	"testing"
)

func words(line string) (found []string, err error) {
	err = splitWords(Line{line}, func(word Word) { found = append(found, word.Word) })
	return found, err
}

func TestWordsAreLowerCase(t *testing.T) {
	if found, err := words("To be"); err != nil || !slices.Equal(found, []string{"to", "be"}) {
		t.Errorf("found %v, %v", found, err)
	}
}

func TestALineWithALongWordIsRefused(t *testing.T) {
	_, err := words("to " + strings.Repeat("e", 65))
	if err == nil || err.Error() != "a word has 65 characters, at most 64 are allowed" {
		t.Errorf("it answers %v", err)
	}
}
