package main

import "testing"

func TestTheHigherOneStays(t *testing.T) {
	if found := highest(2.5, 3.5); found != 3.5 {
		t.Errorf("found %v", found)
	}
}
