// Package tidemill is what plugins in Go share: refusals, the host's log and metrics, config. The operators are
// packages of their own: transform, reduce (and inverse), aggregate, state (and migrate), cogroup.
//
// A row is a struct whose exported fields are columns: bool, int64 (or int), float64, string, []byte and time.Time,
// each as a pointer where there may be no value. A column is named as the field in snake case, or by a tag,
// `tidemill:"name"`. A plain value, such as an int64, stands for one column of any name; struct{} for a key that is
// not looked at. Operators are registered in an init function; main stays empty.
//
// An error that Reject made refuses a row, or fails a key; any other, and a panic, fails the call. What is kept in
// variables from call to call must not show in an answer.
package tidemill

import (
	"tidemill/internal/guest"
)

// Reject makes the error that refuses the row that the function looks at, with the reason for whoever reads the dead letters,
// as fmt.Sprintf writes it. Of an operator on keys it fails the key. What was put out for the row is taken back.
func Reject(format string, values ...any) error {
	return guest.Reject(format, values...)
}

// Level is how much a line of the log matters.
type Level = guest.Level

// The levels, from the one that matters least.
const (
	Trace Level = iota
	Debug
	Info
	Warn
	Error
)

// Log writes a line to the host's log, as fmt.Sprintf would.
func Log(level Level, format string, values ...any) {
	guest.Log(level, format, values...)
}

// Count adds delta to the counter name of this operator in the host's metrics.
func Count(name string, delta uint64) {
	guest.Count(name, delta)
}
