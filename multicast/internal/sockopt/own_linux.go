package sockopt

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	familyIPv4 = unix.AF_INET
	familyIPv6 = unix.AF_INET6

	// storageAlign is the alignment of struct sockaddr_storage: that of a long.
	storageAlign = int(unsafe.Sizeof(uintptr(0)))
)

var requests = [...]int{
	joinSource:    unix.MCAST_JOIN_SOURCE_GROUP,
	leaveSource:   unix.MCAST_LEAVE_SOURCE_GROUP,
	blockSource:   unix.MCAST_BLOCK_SOURCE,
	unblockSource: unix.MCAST_UNBLOCK_SOURCE,
}

// own is the system's own options on a socket.
type own struct{ raw syscall.RawConn }

func (own) both() bool { return true }

// request joins and leaves groups for any source with the options that every system
// has: gVisor lacks the protocol-independent ones, or takes them and does nothing.
func (g own) request(r request, m Member) error {
	switch r {
	case joinGroup:
		return g.anySource(unix.IP_ADD_MEMBERSHIP, unix.IPV6_JOIN_GROUP, m)
	case leaveGroup:
		return g.anySource(unix.IP_DROP_MEMBERSHIP, unix.IPV6_LEAVE_GROUP, m)
	}
	if err := g.filter(m); errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return g.control("setsockopt", func(fd int) error {
		return unix.SetsockoptString(fd, groupLevel(m), requests[r], string(groupRequest(m)))
	})
}

func (g own) anySource(option4, option6 int, m Member) error {
	return g.control("setsockopt", func(fd int) error {
		if m.Group.Is4() {
			mreq := &unix.IPMreqn{Multiaddr: m.Group.As4(), Ifindex: int32(m.Interface)}
			return unix.SetsockoptIPMreqn(fd, unix.IPPROTO_IP, option4, mreq)
		}
		mreq := &unix.IPv6Mreq{Multiaddr: m.Group.As16(), Interface: uint32(m.Interface)}
		return unix.SetsockoptIPv6Mreq(fd, unix.IPPROTO_IPV6, option6, mreq)
	})
}

func groupLevel(m Member) int {
	if m.Group.Is4() {
		return unix.IPPROTO_IP
	}
	return unix.IPPROTO_IPV6
}

// Joined reports whether the socket is in the group on the interface. It asks for
// the sources of the membership, which fails where there is none.
func (g own) Joined(m Member) bool { return g.filter(m) == nil }

// filter asks for the number of sources of a membership.
func (g own) filter(m Member) error {
	// struct group_filter: interface, group, mode and a number of sources
	filter := groupRequest(Member{Group: m.Group, Interface: m.Interface})
	filter = append(filter, make([]byte, 8)...)
	return g.control("getsockopt", func(fd int) error {
		n := uint32(len(filter))
		_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), uintptr(groupLevel(m)), unix.MCAST_MSFILTER,
			uintptr(unsafe.Pointer(unsafe.SliceData(filter))), uintptr(unsafe.Pointer(&n)), 0)
		if errno != 0 {
			return errno
		}
		return nil
	})
}

// Name is the name of an interface of the socket's network namespace, "" where
// there is none.
func (g own) Name(index int) (name string) {
	_ = g.control("ioctl", func(fd int) error {
		var req struct { // struct ifreq (netdevice(7))
			name  [unix.IFNAMSIZ]byte
			index int32
			_     [20]byte
		}
		req.index = int32(index)
		if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCGIFNAME, uintptr(unsafe.Pointer(&req))); errno == 0 {
			name = unix.ByteSliceToString(req.name[:])
		}
		return nil
	})
	return name
}

func (g own) set4(s setting, value int) error {
	return g.control("setsockopt", func(fd int) error {
		switch s {
		case multicastHops:
			return unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_TTL, value)
		case multicastLoopback:
			return unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_LOOP, value)
		}
		return unix.SetsockoptIPMreqn(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_IF, &unix.IPMreqn{Ifindex: int32(value)})
	})
}

// set6 believes the kernel when it knows the option: gVisor takes those of IPv6,
// does nothing, and does not know them when it is asked.
func (g own) set6(s setting, value int) error {
	err := g.control("setsockopt", func(fd int) error {
		return unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, settings6[s], value)
	})
	if err == nil {
		_, err = g.get6(s)
	}
	return err
}

var settings6 = [...]int{
	multicastHops:      unix.IPV6_MULTICAST_HOPS,
	multicastLoopback:  unix.IPV6_MULTICAST_LOOP,
	multicastInterface: unix.IPV6_MULTICAST_IF,
}

// get4 is never asked for the interface: the kernel knows an address at most.
func (g own) get4(s setting) (int, error) {
	option := unix.IP_MULTICAST_TTL
	if s == multicastLoopback {
		option = unix.IP_MULTICAST_LOOP
	}
	return g.getsockopt(unix.IPPROTO_IP, option)
}

func (g own) get6(s setting) (int, error) {
	return g.getsockopt(unix.IPPROTO_IPV6, settings6[s])
}

func (g own) getsockopt(level, option int) (value int, err error) {
	err = g.control("getsockopt", func(fd int) (err error) {
		value, err = unix.GetsockoptInt(fd, level, option)
		return err
	})
	return value, err
}

// control runs f on the descriptor and names the system call that failed. An option
// that the kernel does not know is errors.ErrUnsupported.
func (g own) control(call string, f func(fd int) error) error {
	var err error
	if gone := g.raw.Control(func(fd uintptr) { err = f(int(fd)) }); gone != nil {
		return net.ErrClosed
	}
	if errors.Is(err, unix.ENOPROTOOPT) {
		return fmt.Errorf("%w: %w", errors.ErrUnsupported, os.NewSyscallError(call, err))
	}
	return os.NewSyscallError(call, err)
}
