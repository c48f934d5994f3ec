//go:build !wasip1

package abi

import "unsafe"

// Natively nothing crosses a sandbox.

func pointer(uint32) unsafe.Pointer { return nil }

func address(unsafe.Pointer) uint32 { return 0 }
