//go:build !linux || dgram_portable

package host

import (
	"example.com/dgram/internal/kernel/portable"
	"example.com/dgram/internal/watch"
)

// System is the implementation that this program uses.
type System = portable.System

// Portable reports whether System reaches the kernel through package net.
const Portable = true

// OpenWatcher returns a Watcher of the network interfaces. It polls.
func OpenWatcher() watch.Watcher { return watch.Poll(watch.Now, watch.Interval) }
