package guest

import "unsafe"

//go:wasmimport tidemill:plugin/host@0.1.0 log
func hostLog(level uint32, text unsafe.Pointer, size uint32)

//go:wasmimport tidemill:plugin/host@0.1.0 count
func hostCount(name unsafe.Pointer, size uint32, delta uint64)

func log(level Level, line string) {
	hostLog(uint32(level), unsafe.Pointer(unsafe.StringData(line)), uint32(len(line)))
}

func count(name string, delta uint64) {
	hostCount(unsafe.Pointer(unsafe.StringData(name)), uint32(len(name)), delta)
}
