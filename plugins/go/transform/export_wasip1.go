package transform

import (
	"tidemill/internal/abi"
	"tidemill/internal/guest"
)

//go:wasmexport tidemill:plugin/transform@0.1.0#open
func open(config, configSize, fields, numFields uint32) uint32 {
	return guest.Answer(func() (*abi.Answer, error) {
		return operator.open(abi.String(config, configSize), abi.Fields(fields, numFields))
	})
}

//go:wasmexport tidemill:plugin/transform@0.1.0#process
func process(numRows, columns, numColumns uint32) uint32 {
	return guest.Answer(func() (*abi.Answer, error) { return operator.process(abi.Columns(numRows, columns, numColumns)) })
}

//go:wasmexport cabi_post_tidemill:plugin/transform@0.1.0#open
func afterOpen(uint32) { abi.EndCall() }

//go:wasmexport cabi_post_tidemill:plugin/transform@0.1.0#process
func afterProcess(uint32) { abi.EndCall() }
