package main

import (
	"slices"
	"testing"
)

func TestWhatIsPaidIsNotOpen(t *testing.T) {
	var found []Open
	emit := func(open Open) { found = append(found, open) }
	openOrders(struct{}{}, []float64{3}, []float64{1}, emit)
	openOrders(struct{}{}, nil, []float64{1}, emit)
	if !slices.Equal(found, []Open{{2}}) {
		t.Errorf("found %v", found)
	}
}
