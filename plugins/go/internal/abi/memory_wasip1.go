package abi

import "unsafe"

func pointer(at uint32) unsafe.Pointer { return unsafe.Pointer(uintptr(at)) }

func address(p unsafe.Pointer) uint32 { return uint32(uintptr(p)) }

// realloc is where the host puts the arguments of a call.
//
//go:wasmexport cabi_realloc
func realloc(old, oldSize, alignment, size uint32) uint32 {
	if size <= oldSize {
		return old
	}
	// Numbers, so that it is aligned.
	memory := make([]uint64, (size+7)/8)
	if oldSize > 0 {
		copy(slice[byte](address(unsafe.Pointer(&memory[0])), size), slice[byte](old, oldSize))
	}
	return keep(memory).ptr
}
