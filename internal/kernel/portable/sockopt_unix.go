//go:build unix

package portable

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// The names of the options that every Unix has.
const (
	levelSocket = unix.SOL_SOCKET
	levelIPv4   = unix.IPPROTO_IP
	levelIPv6   = unix.IPPROTO_IPV6

	nameBroadcast   = unix.SO_BROADCAST
	nameError       = unix.SO_ERROR
	nameReadBuffer  = unix.SO_RCVBUF
	nameWriteBuffer = unix.SO_SNDBUF
	nameTTL         = unix.IP_TTL
	nameHops        = unix.IPV6_UNICAST_HOPS
	nameTOS         = unix.IP_TOS
	nameClass       = unix.IPV6_TCLASS
	nameV6Only      = unix.IPV6_V6ONLY
)

// hasTOS says that the type of service of what is sent can be chosen.
const hasTOS = true

// setInt sets an option; one that the system does not know is
// errors.ErrUnsupported.
func setInt(fd uintptr, level, name, value int) error {
	err := os.NewSyscallError("setsockopt", unix.SetsockoptInt(int(fd), level, name, value))
	if errors.Is(err, unix.ENOPROTOOPT) || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EOPNOTSUPP) {
		return fmt.Errorf("%w: %w", errors.ErrUnsupported, err)
	}
	return err
}

func getInt(fd uintptr, level, name int) (int, error) {
	value, err := unix.GetsockoptInt(int(fd), level, name)
	return value, os.NewSyscallError("getsockopt", err)
}

// exclusive has nothing to do: on Unix a port is shared where every socket of it
// asked for that.
func exclusive(uintptr) error { return nil }

// v6only makes an IPv6 socket dual-stack or not, where there is a choice.
func v6only(fd uintptr, only bool) error {
	if only || !alwaysV6Only {
		return setInt(fd, levelIPv6, nameV6Only, truth(only))
	}
	return nil
}

// packetInfo asks for the destination of each datagram.
func (c *conn) packetInfo(fd uintptr) error {
	if !hasControl {
		return unsupported("packet info")
	}
	if !c.inet6 {
		return packetInfo4(fd)
	}
	if c.speaksIPv4() {
		_ = packetInfo4(fd) // IPv6's tells IPv4 destinations too
	}
	return setInt(fd, levelIPv6, unix.IPV6_RECVPKTINFO, 1)
}

// receiveTOS asks for the type of service of each datagram.
func (c *conn) receiveTOS(fd uintptr) error {
	if !hasControl {
		return unsupported("TOS")
	}
	if !c.inet6 {
		return receiveTOS4(fd)
	}
	if c.speaksIPv4() {
		_ = receiveTOS4(fd) // some systems have it in IPv6's
	}
	return setInt(fd, levelIPv6, unix.IPV6_RECVTCLASS, 1)
}

// receiveTTL asks for the hop limit of each datagram.
func (c *conn) receiveTTL(fd uintptr) error {
	if !hasControl {
		return unsupported("TTL")
	}
	if !c.inet6 {
		return receiveTTL4(fd)
	}
	if c.speaksIPv4() {
		_ = receiveTTL4(fd) // some systems have it in IPv6's
	}
	return setInt(fd, levelIPv6, unix.IPV6_RECVHOPLIMIT, 1)
}

// dontFragment keeps datagrams whole: too long is EMSGSIZE.
func (c *conn) dontFragment(fd uintptr) error {
	if !c.inet6 {
		return dontFragment4(fd)
	}
	if c.speaksIPv4() {
		_ = dontFragment4(fd)
	}
	return dontFragment6(fd)
}

func truth(on bool) int {
	if on {
		return 1
	}
	return 0
}
