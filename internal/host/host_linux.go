//go:build linux && !dgram_portable

package host

import (
	"example.com/dgram/internal/kernel/linux"
	"example.com/dgram/internal/watch"
)

// System is the implementation that this program uses.
type System = linux.System

// Portable reports whether System reaches the kernel through package net.
const Portable = false

// OpenWatcher returns a Watcher of the network interfaces: one that the kernel
// notifies, or one that polls where a sandbox refuses netlink sockets.
func OpenWatcher() watch.Watcher {
	if w, err := watch.Notified(); err == nil {
		return w
	}
	return watch.Poll(watch.Now, watch.Interval)
}
