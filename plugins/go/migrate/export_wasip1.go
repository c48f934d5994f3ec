package migrate

import (
	"tidemill/internal/abi"
	"tidemill/internal/guest"
)

//go:wasmexport tidemill:plugin/migrate-state@0.1.0#migrate
func migrateStates(fields, numFields, numRows, columns, numColumns uint32) uint32 {
	return guest.Answer(func() (*abi.Answer, error) {
		return migrate(abi.Fields(fields, numFields), abi.Columns(numRows, columns, numColumns))
	})
}

//go:wasmexport cabi_post_tidemill:plugin/migrate-state@0.1.0#migrate
func afterMigrate(uint32) { abi.EndCall() }
