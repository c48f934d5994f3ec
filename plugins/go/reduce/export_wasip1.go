package reduce

import (
	"tidemill/internal/abi"
	"tidemill/internal/guest"
)

//go:wasmexport tidemill:plugin/reduce@0.1.0#open
func open(config, configSize, fields, numFields uint32) uint32 {
	return guest.Answer(func() (*abi.Answer, error) {
		answer, err := operator.open(abi.String(config, configSize), abi.Fields(fields, numFields))
		if err != nil {
			return nil, err
		}
		// It says no more than that it went well, in as many words as an error has.
		return answer.Text(""), nil
	})
}

//go:wasmexport tidemill:plugin/reduce@0.1.0#reduce
func reduce(ends, numEnds, numRows, columns, numColumns uint32) uint32 {
	return guest.Answer(func() (*abi.Answer, error) {
		return operator.reduce(abi.Uint32s(ends, numEnds), abi.Columns(numRows, columns, numColumns))
	})
}

//go:wasmexport cabi_post_tidemill:plugin/reduce@0.1.0#open
func afterOpen(uint32) { abi.EndCall() }

//go:wasmexport cabi_post_tidemill:plugin/reduce@0.1.0#reduce
func afterReduce(uint32) { abi.EndCall() }
