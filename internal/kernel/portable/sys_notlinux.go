//go:build unix && !linux

package portable

import "golang.org/x/sys/unix"

// This file has the answers of every Unix but Linux.

// bufferDoubling is the factor between the size of a buffer that is set and the one
// that is read back.
const bufferDoubling = 1

// isUDP returns true: these systems do not report the protocol of a datagram
// socket.
func isUDP(uintptr) bool { return true }

// disableMulticastAll has nothing to do: a socket receives only the groups that it
// has joined.
func (c *conn) disableMulticastAll(uintptr) error { return nil }

func dontFragment6(fd uintptr) error { return setInt(fd, unix.IPPROTO_IPV6, unix.IPV6_DONTFRAG, 1) }

// extras4 makes the control messages of a type of service and a hop limit.
func extras4(tos, ttl uint8) ([]byte, error) { return nil, unsupported("TOS or TTL of one datagram") }
