package sockopt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"syscall"

	"golang.org/x/sys/windows"
)

const (
	familyIPv4 = windows.AF_INET
	familyIPv6 = windows.AF_INET6

	levelIPv4 = windows.IPPROTO_IP
	levelIPv6 = windows.IPPROTO_IPV6
	hops4     = windows.IP_MULTICAST_TTL
	loopback4 = windows.IP_MULTICAST_LOOP

	errUnknownOption = windows.WSAENOPROTOOPT

	// storageAlign is the alignment of SOCKADDR_STORAGE: it holds an __int64.
	storageAlign = 8
)

// A descriptor is a socket in system calls.
type descriptor = windows.Handle

func getInt(fd descriptor, level, option int) (int, error) {
	return windows.GetsockoptInt(fd, level, option)
}

// The requests of ws2ipdef.h, which golang.org/x/sys does not have.
var requests = [...]int32{
	joinGroup:     41, // MCAST_JOIN_GROUP
	leaveGroup:    42,
	blockSource:   43,
	unblockSource: 44,
	joinSource:    45,
	leaveSource:   46,
}

func system(c syscall.RawConn) options { return own{c} }

func (g own) request(r request, m Member) error {
	b := groupRequest(m)
	return g.control("setsockopt", func(fd descriptor) error {
		return windows.Setsockopt(fd, int32(groupLevel(m)), requests[r], &b[0], int32(len(b)))
	})
}

// Joined returns false: Windows does not report memberships.
func (g own) Joined(Member) bool { return false }

// Name returns the name of an interface, or "" if there is none with the index.
func (g own) Name(index int) string { return nameOf(index) }

// errLoopback is the error of turning multicast loopback off. On Windows
// IP_MULTICAST_LOOP is an option of the receiver: it would keep the socket from
// hearing programs of this machine, and they would still hear the socket. ("IP
// multicast" in the documentation of Windows Sockets 2.)
var errLoopback = fmt.Errorf("%w: Windows has no sender's choice of multicast loopback", errors.ErrUnsupported)

// set4 names an interface as 0.x.x.x: its index in network byte order.
func (g own) set4(s setting, value int) error {
	option := hops4
	switch s {
	case multicastLoopback:
		if value == 0 {
			return errLoopback
		}
		option = loopback4
	case multicastInterface:
		option = windows.IP_MULTICAST_IF
		var b [4]byte
		binary.BigEndian.PutUint32(b[:], uint32(value))
		value = int(int32(binary.NativeEndian.Uint32(b[:])))
	}
	return g.setsockopt(levelIPv4, option, value)
}

func (g own) set6(s setting, value int) error {
	if s == multicastLoopback && value == 0 {
		return errLoopback
	}
	return g.setsockopt(levelIPv6, settings6[s], value)
}

var settings6 = [...]int{
	multicastHops:      windows.IPV6_MULTICAST_HOPS,
	multicastLoopback:  windows.IPV6_MULTICAST_LOOP,
	multicastInterface: windows.IPV6_MULTICAST_IF,
}

func (g own) setsockopt(level, option, value int) error {
	return g.control("setsockopt", func(fd descriptor) error {
		return windows.SetsockoptInt(fd, level, option, value)
	})
}
