//go:build unix && !linux

package portable

import "golang.org/x/sys/unix"

// What every Unix but Linux shares.

// bufferDoubling is by what SO_RCVBUF and SO_SNDBUF are multiplied when they are read
// back.
const bufferDoubling = 1

// isUDP reports that a datagram socket is one of UDP: these systems do not tell the
// protocol of a socket.
func isUDP(uintptr) bool { return true }

// disableMulticastAll has nothing to do: a socket hears only the groups that it has
// joined.
func (c *conn) disableMulticastAll(uintptr) error { return nil }

func dontFragment6(fd uintptr) error { return setInt(fd, unix.IPPROTO_IPV6, unix.IPV6_DONTFRAG, 1) }

// extras4 makes the control messages of a type of service and a hop limit.
func extras4(tos, ttl uint8) ([]byte, error) { return nil, unsupported("TOS or TTL of one datagram") }
