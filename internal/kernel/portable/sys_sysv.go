//go:build aix || solaris

package portable

import (
	"net/netip"

	"golang.org/x/sys/unix"
)

// This file has the answers of the descendants of System V.

// canConnect returns false: these systems have no way to disconnect that keeps the
// local address.
func canConnect(netip.Addr) bool { return false }

func clearPeer(uintptr) error {
	return unsupported("disconnecting a socket that another program connected")
}

func reuseAddr(fd uintptr) error { return setInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1) }
