package aggregate

import (
	"tidemill/internal/abi"
	"tidemill/internal/guest"
)

//go:wasmexport tidemill:plugin/aggregate@0.1.0#open
func open(config, configSize, fields, numFields uint32) uint32 {
	return guest.Answer(func() (*abi.Answer, error) {
		return operator.open(abi.String(config, configSize), abi.Fields(fields, numFields))
	})
}

//go:wasmexport tidemill:plugin/aggregate@0.1.0#accumulate
func accumulate(ends, numEnds, numRows, columns, numColumns uint32) uint32 {
	return guest.Answer(func() (*abi.Answer, error) {
		return operator.accumulate(abi.Uint32s(ends, numEnds), abi.Columns(numRows, columns, numColumns))
	})
}

//go:wasmexport tidemill:plugin/aggregate@0.1.0#merge
func merge(ends, numEnds, numRows, columns, numColumns uint32) uint32 {
	return guest.Answer(func() (*abi.Answer, error) {
		return operator.merge(abi.Uint32s(ends, numEnds), abi.Columns(numRows, columns, numColumns))
	})
}

//go:wasmexport tidemill:plugin/aggregate@0.1.0#finish
func finish(numRows, columns, numColumns uint32) uint32 {
	return guest.Answer(func() (*abi.Answer, error) { return operator.finish(abi.Columns(numRows, columns, numColumns)) })
}

//go:wasmexport cabi_post_tidemill:plugin/aggregate@0.1.0#open
func afterOpen(uint32) { abi.EndCall() }

//go:wasmexport cabi_post_tidemill:plugin/aggregate@0.1.0#accumulate
func afterAccumulate(uint32) { abi.EndCall() }

//go:wasmexport cabi_post_tidemill:plugin/aggregate@0.1.0#merge
func afterMerge(uint32) { abi.EndCall() }

//go:wasmexport cabi_post_tidemill:plugin/aggregate@0.1.0#finish
func afterFinish(uint32) { abi.EndCall() }
