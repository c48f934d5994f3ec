package state

import (
	"tidemill/internal/abi"
	"tidemill/internal/guest"
)

//go:wasmexport tidemill:plugin/update-state@0.1.0#open
func open(config, configSize, key, keySize, value, valueSize uint32) uint32 {
	return guest.Answer(func() (*abi.Answer, error) {
		return operator.open(abi.String(config, configSize), abi.Fields(key, keySize), abi.Fields(value, valueSize))
	})
}

//go:wasmexport tidemill:plugin/update-state@0.1.0#update
func update(keyRows, keys, numKeys, ends, numEnds, valueRows, values, numValues, stateRows, states, numStates,
	known, numKnown, timedOut, numTimedOut uint32, now int64) uint32 {
	return guest.Answer(func() (*abi.Answer, error) {
		return operator.update(input{
			keys:        abi.Columns(keyRows, keys, numKeys),
			values:      abi.Columns(valueRows, values, numValues),
			states:      abi.Columns(stateRows, states, numStates),
			ends:        abi.Uint32s(ends, numEnds),
			isKnown:     abi.Bytes(known, numKnown),
			hasTimedOut: abi.Bytes(timedOut, numTimedOut),
			now:         now,
		})
	})
}

//go:wasmexport cabi_post_tidemill:plugin/update-state@0.1.0#open
func afterOpen(uint32) { abi.EndCall() }

//go:wasmexport cabi_post_tidemill:plugin/update-state@0.1.0#update
func afterUpdate(uint32) { abi.EndCall() }
