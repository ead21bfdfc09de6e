//go:build linux && !dgram_portable

package host

import "example.com/dgram/internal/kernel/linux"

// System is the implementation that this program uses.
type System = linux.System

// Portable reports whether System reaches the kernel through package net.
const Portable = false
