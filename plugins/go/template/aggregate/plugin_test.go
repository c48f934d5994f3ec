package main

import "testing"

func TestTheMeanIsThatOfAllParts(t *testing.T) {
	left, right := Prices{}, Prices{}
	left.Add(2.5)
	right.Add(3.5)
	left.Merge(right)
	if found := left.Finish(); found.Mean != 3 {
		t.Errorf("found %v", found)
	}
}
