package sockopt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/windows"
)

const (
	familyIPv4 = windows.AF_INET
	familyIPv6 = windows.AF_INET6

	// storageAlign is the alignment of SOCKADDR_STORAGE: it holds an __int64.
	storageAlign = 8
)

// The requests of ws2ipdef.h, which golang.org/x/sys does not have.
var requests = [...]int32{
	joinGroup:     41, // MCAST_JOIN_GROUP
	leaveGroup:    42,
	blockSource:   43,
	unblockSource: 44,
	joinSource:    45,
	leaveSource:   46,
}

// own is the system's own options on a socket.
type own struct{ raw syscall.RawConn }

func system(c syscall.RawConn) options { return own{c} }

func (own) both() bool { return true }

func (g own) request(r request, m Member) error {
	b := groupRequest(m)
	level := int32(windows.IPPROTO_IPV6)
	if m.Group.Is4() {
		level = windows.IPPROTO_IP
	}
	return g.control("setsockopt", func(h windows.Handle) error {
		return windows.Setsockopt(h, level, requests[r], &b[0], int32(len(b)))
	})
}

// Joined is false: Windows does not tell which interface it chose.
func (g own) Joined(Member) bool { return false }

// Name is the name of an interface, "" where there is none.
func (g own) Name(index int) string { return nameOf(index) }

// errLoopback is there because IP_MULTICAST_LOOP is the receiver's choice here, and
// the sender's everywhere else: turned off, it would make the socket deaf to the
// programs of this machine, and silence nobody. ("IP multicast" in the documentation
// of Windows Sockets 2.)
var errLoopback = fmt.Errorf("%w: Windows has no sender's choice of multicast loopback", errors.ErrUnsupported)

// set4 names an interface as 0.x.x.x: its index in network byte order.
func (g own) set4(s setting, value int) error {
	option := windows.IP_MULTICAST_TTL
	switch s {
	case multicastLoopback:
		if value == 0 {
			return errLoopback
		}
		option = windows.IP_MULTICAST_LOOP
	case multicastInterface:
		option = windows.IP_MULTICAST_IF
		var b [4]byte
		binary.BigEndian.PutUint32(b[:], uint32(value))
		value = int(int32(binary.NativeEndian.Uint32(b[:])))
	}
	return g.setsockopt(windows.IPPROTO_IP, option, value)
}

func (g own) set6(s setting, value int) error {
	if s == multicastLoopback && value == 0 {
		return errLoopback
	}
	return g.setsockopt(windows.IPPROTO_IPV6, settings6[s], value)
}

var settings6 = [...]int{
	multicastHops:      windows.IPV6_MULTICAST_HOPS,
	multicastLoopback:  windows.IPV6_MULTICAST_LOOP,
	multicastInterface: windows.IPV6_MULTICAST_IF,
}

func (g own) get4(s setting) (int, error) {
	option := windows.IP_MULTICAST_TTL
	if s == multicastLoopback {
		option = windows.IP_MULTICAST_LOOP
	}
	return g.getsockopt(windows.IPPROTO_IP, option)
}

func (g own) get6(s setting) (int, error) {
	return g.getsockopt(windows.IPPROTO_IPV6, settings6[s])
}

func (g own) setsockopt(level, option, value int) error {
	return g.control("setsockopt", func(h windows.Handle) error {
		return windows.SetsockoptInt(h, level, option, value)
	})
}

func (g own) getsockopt(level, option int) (value int, err error) {
	err = g.control("getsockopt", func(h windows.Handle) (err error) {
		value, err = windows.GetsockoptInt(h, level, option)
		return err
	})
	return value, err
}

// control runs f on the socket and names the call that failed.
func (g own) control(call string, f func(h windows.Handle) error) error {
	var err error
	if gone := g.raw.Control(func(fd uintptr) { err = f(windows.Handle(fd)) }); gone != nil {
		return net.ErrClosed
	}
	return os.NewSyscallError(call, err)
}
