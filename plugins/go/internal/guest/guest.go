// Package guest is what operators share inside a component: errors told in one line, the host's log, config.
package guest

import (
	"errors"
	"fmt"
	"path"
	"runtime"
	"strings"

	"tidemill/internal/abi"
)

// Level says how much a line of the log matters.
type Level uint32

// Log writes a line to the host's log.
func Log(level Level, format string, values ...any) { log(level, fmt.Sprintf(format, values...)) }

// Count adds to a counter in the host's metrics.
func Count(name string, delta uint64) { count(name, delta) }

// Rejection refuses a row, or fails a key.
type Rejection struct{ reason string }

func (r *Rejection) Error() string { return r.reason }

// Reject makes a Rejection.
func Reject(format string, values ...any) error { return &Rejection{fmt.Sprintf(format, values...)} }

// IsRejection tells whether an error refuses a row.
func IsRejection(err error) bool {
	var rejection *Rejection
	return errors.As(err, &rejection)
}

// Answer runs one call of the host's: an error, and a panic with the line of it, become the call's error.
func Answer(act func() (*abi.Answer, error)) (at uint32) {
	defer func() {
		if panicked := recover(); panicked != nil {
			at = abi.Failed(told(panicked)).At()
		}
	}()
	answer, err := act()
	if err != nil {
		answer = abi.Failed(err.Error())
	}
	return answer.At()
}

// told is a panic as one line, with the innermost line of the plugin's own code.
func told(panicked any) string {
	text := fmt.Sprint(panicked)
	callers := make([]uintptr, 64)
	frames := runtime.CallersFrames(callers[:runtime.Callers(3, callers)])
	for {
		frame, more := frames.Next()
		isOwn := strings.HasPrefix(frame.Function, "main.") || strings.Contains(frame.Function, "_test.")
		if isOwn {
			return fmt.Sprintf("panic: %s (%s:%d)", text, path.Base(frame.File), frame.Line)
		}
		if !more {
			return "panic: " + text
		}
	}
}
