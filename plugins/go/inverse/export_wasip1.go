package inverse

import (
	"tidemill/internal/abi"
	"tidemill/internal/guest"
)

//go:wasmexport tidemill:plugin/inverse@0.1.0#subtract
func subtract(totalRows, totals, numTotals, ends, numEnds, numRows, columns, numColumns uint32) uint32 {
	return guest.Answer(func() (*abi.Answer, error) {
		from, values := abi.Columns(totalRows, totals, numTotals), abi.Columns(numRows, columns, numColumns)
		return operator.subtract(from, abi.Uint32s(ends, numEnds), values)
	})
}

//go:wasmexport cabi_post_tidemill:plugin/inverse@0.1.0#subtract
func afterSubtract(uint32) { abi.EndCall() }
