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

// hasTOS is true: the type of service of sent datagrams can be set.
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

// exclusive does nothing: on Unix sockets share a port only if each of them asked
// for it.
func exclusive(uintptr) error { return nil }

// v6only sets whether an IPv6 socket is IPv6 alone, on systems with a choice.
func v6only(fd uintptr, only bool) error {
	if only || !alwaysV6Only {
		return setInt(fd, levelIPv6, nameV6Only, truth(only))
	}
	return nil
}

// packetInfo asks for the destination of each datagram.
func (c *conn) packetInfo(fd uintptr) error {
	return c.receiveControl(fd, "packet info", packetInfo4, unix.IPV6_RECVPKTINFO)
}

// receiveTOS asks for the type of service of each datagram.
func (c *conn) receiveTOS(fd uintptr) error {
	return c.receiveControl(fd, "TOS", receiveTOS4, unix.IPV6_RECVTCLASS)
}

// receiveTTL asks for the hop limit of each datagram.
func (c *conn) receiveTTL(fd uintptr) error {
	return c.receiveControl(fd, "TTL", receiveTTL4, unix.IPV6_RECVHOPLIMIT)
}

// receiveControl asks for a control message with each datagram. A dual-stack socket
// also asks for IPv4's, which some systems lack: there IPv6's covers IPv4.
func (c *conn) receiveControl(fd uintptr, what string, ask4 func(fd uintptr) error, option6 int) error {
	if !hasControl {
		return unsupported(what)
	}
	if !c.inet6 {
		return ask4(fd)
	}
	if c.speaksIPv4() {
		_ = ask4(fd)
	}
	return setInt(fd, levelIPv6, option6, 1)
}

// dontFragment forbids fragments: a datagram that is too long is EMSGSIZE.
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
