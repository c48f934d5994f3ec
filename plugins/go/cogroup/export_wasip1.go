package cogroup

import (
	"tidemill/internal/abi"
	"tidemill/internal/guest"
)

//go:wasmexport tidemill:plugin/cogroup@0.1.0#open
func open(config, configSize, key, keySize, left, leftSize, right, rightSize uint32) uint32 {
	return guest.Answer(func() (*abi.Answer, error) {
		return operator.open(abi.String(config, configSize), abi.Fields(key, keySize), abi.Fields(left, leftSize),
			abi.Fields(right, rightSize))
	})
}

//go:wasmexport tidemill:plugin/cogroup@0.1.0#process
func process(keyRows, keys, numKeys, leftEnds, numLeftEnds, leftRows, left, numLeft, rightEnds, numRightEnds, rightRows,
	right, numRight uint32) uint32 {
	return guest.Answer(func() (*abi.Answer, error) {
		return operator.process(
			abi.Columns(keyRows, keys, numKeys),
			abi.Uint32s(leftEnds, numLeftEnds), abi.Columns(leftRows, left, numLeft),
			abi.Uint32s(rightEnds, numRightEnds), abi.Columns(rightRows, right, numRight),
		)
	})
}

//go:wasmexport cabi_post_tidemill:plugin/cogroup@0.1.0#open
func afterOpen(uint32) { abi.EndCall() }

//go:wasmexport cabi_post_tidemill:plugin/cogroup@0.1.0#process
func afterProcess(uint32) { abi.EndCall() }
