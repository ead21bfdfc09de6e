//go:build !linux || dgram_portable

package kernel

// sending is nothing here: package net keeps what it needs itself.
type sending struct{}
