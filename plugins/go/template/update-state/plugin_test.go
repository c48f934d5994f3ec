package main

import (
	"testing"

	"tidemill/state"
)

func TestAStateGrowsFromBatchToBatch(t *testing.T) {
	key := state.Key[struct{}]{}
	first, _ := total(key, []float64{2.5, 3.5}, nil)
	second, _ := total(key, []float64{1}, first)
	if *first != 6 || *second != 7 {
		t.Errorf("found %v and %v", *first, *second)
	}
}
