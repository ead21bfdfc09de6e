package sockopt

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	familyIPv4 = unix.AF_INET
	familyIPv6 = unix.AF_INET6

	levelIPv4 = unix.IPPROTO_IP
	levelIPv6 = unix.IPPROTO_IPV6
	hops4     = unix.IP_MULTICAST_TTL
	loopback4 = unix.IP_MULTICAST_LOOP

	errUnknownOption = unix.ENOPROTOOPT

	// storageAlign is the alignment of struct sockaddr_storage: that of a long.
	storageAlign = int(unsafe.Sizeof(uintptr(0)))
)

// A descriptor is a socket in system calls.
type descriptor int

func getInt(fd descriptor, level, option int) (int, error) {
	return unix.GetsockoptInt(int(fd), level, option)
}

var requests = [...]int{
	joinSource:    unix.MCAST_JOIN_SOURCE_GROUP,
	leaveSource:   unix.MCAST_LEAVE_SOURCE_GROUP,
	blockSource:   unix.MCAST_BLOCK_SOURCE,
	unblockSource: unix.MCAST_UNBLOCK_SOURCE,
}

// request makes a request. For any source it uses the options that every kernel
// has: gVisor lacks the protocol-independent ones, or accepts them without an
// effect.
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
	return g.control("setsockopt", func(fd descriptor) error {
		return unix.SetsockoptString(int(fd), groupLevel(m), requests[r], string(groupRequest(m)))
	})
}

func (g own) anySource(option4, option6 int, m Member) error {
	return g.control("setsockopt", func(fd descriptor) error {
		if m.Group.Is4() {
			mreq := &unix.IPMreqn{Multiaddr: m.Group.As4(), Ifindex: int32(m.Interface)}
			return unix.SetsockoptIPMreqn(int(fd), levelIPv4, option4, mreq)
		}
		mreq := &unix.IPv6Mreq{Multiaddr: m.Group.As16(), Interface: uint32(m.Interface)}
		return unix.SetsockoptIPv6Mreq(int(fd), levelIPv6, option6, mreq)
	})
}

// Joined reports whether the socket is in the group on the interface. It asks for
// the sources of the membership, which fails where there is none.
func (g own) Joined(m Member) bool { return g.filter(m) == nil }

// filter asks for the number of sources of a membership.
func (g own) filter(m Member) error {
	// struct group_filter: interface, group, mode and a number of sources
	filter := groupRequest(Member{Group: m.Group, Interface: m.Interface})
	filter = append(filter, make([]byte, 8)...)
	return g.control("getsockopt", func(fd descriptor) error {
		n := uint32(len(filter))
		_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), uintptr(groupLevel(m)), unix.MCAST_MSFILTER,
			uintptr(unsafe.Pointer(unsafe.SliceData(filter))), uintptr(unsafe.Pointer(&n)), 0)
		if errno != 0 {
			return errno
		}
		return nil
	})
}

// Name returns the name of an interface of the socket's network namespace, or "" if
// there is none with the index.
func (g own) Name(index int) (name string) {
	_ = g.control("ioctl", func(fd descriptor) error {
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
	return g.control("setsockopt", func(fd descriptor) error {
		switch s {
		case multicastHops:
			return unix.SetsockoptInt(int(fd), levelIPv4, hops4, value)
		case multicastLoopback:
			return unix.SetsockoptInt(int(fd), levelIPv4, loopback4, value)
		}
		return unix.SetsockoptIPMreqn(int(fd), levelIPv4, unix.IP_MULTICAST_IF, &unix.IPMreqn{Ifindex: int32(value)})
	})
}

// set6 sets an option and reads it back: gVisor accepts the options of IPv6 without
// an effect, and refuses to read them.
func (g own) set6(s setting, value int) error {
	err := g.control("setsockopt", func(fd descriptor) error {
		return unix.SetsockoptInt(int(fd), levelIPv6, settings6[s], value)
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
