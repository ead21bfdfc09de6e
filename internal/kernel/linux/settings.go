//go:build linux

package linux

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"example.com/dgram/internal/kernel"
)

// settings sets options until one fails. Later calls do nothing.
type settings struct {
	fd  int
	err error
}

// must sets an option if it is wanted, and fails where the kernel lacks it.
func (s *settings) must(level, option, value int, wanted bool) {
	if wanted && s.err == nil {
		s.err = set(s.fd, level, option, value)
	}
}

// both sets an option for each family that the socket speaks: the IPv4 datagrams of
// a dual-stack socket follow the options of IPv4.
func (s *settings) both(c *conn, v4, v6 [2]int, value int, wanted bool) {
	s.must(v4[0], v4[1], value, wanted && c.speaksIPv4())
	s.must(v6[0], v6[1], value, wanted && c.inet6)
}

// try sets an option and ignores that the kernel lacks it.
func (s *settings) try(level, option, value int, wanted bool) {
	if wanted && s.err == nil {
		_ = set(s.fd, level, option, value)
	}
}

// groups turns off IP_MULTICAST_ALL (ip(7); for IPv6 since Linux 4.20), with which
// a socket receives the groups that any socket of the host has joined.
func (s *settings) groups(c *conn) {
	s.try(unix.IPPROTO_IP, unix.IP_MULTICAST_ALL, 0, c.speaksIPv4())
	s.try(unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_ALL, 0, c.inet6)
}

// packetInfo asks for the destination of each datagram. A dual-stack socket needs
// the messages of both families: IPv6's has the address of an IPv4 datagram, but
// not whether it was a broadcast.
func (s *settings) packetInfo(c *conn, want kernel.Want) {
	set := s.try
	if want == kernel.On {
		set = s.must
	}
	set(unix.IPPROTO_IP, unix.IP_PKTINFO, 1, want != kernel.Off && c.speaksIPv4())
	set(unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1, want != kernel.Off && c.inet6)
}

// timestamps asks for receive times in nanoseconds, or in microseconds from a
// kernel that has no others.
func (s *settings) timestamps(wanted bool) {
	if !wanted || s.err != nil {
		return
	}
	s.err = set(s.fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
	if s.err != nil && set(s.fd, unix.SOL_SOCKET, unix.SO_TIMESTAMP, 1) == nil {
		s.err = nil
	}
}

// control fails if the configuration needs control messages and a sandbox refuses
// every call that receives them.
func (s *settings) control(c *conn, cfg kernel.Config) {
	needed := cfg.PacketInfo == kernel.On || cfg.ReceiveTOS || cfg.ReceiveTTL || cfg.Timestamps || cfg.ICMPErrors
	if needed && !c.calls.receivesControl() {
		s.err = fmt.Errorf("%w: the system refuses recvmsg", errors.ErrUnsupported)
	}
}

// sharing lets other sockets bind to the address of the socket.
func (s *settings) sharing(cfg kernel.Config) {
	s.must(unix.SOL_SOCKET, unix.SO_REUSEADDR, 1, cfg.ReuseAddr)
	s.must(unix.SOL_SOCKET, unix.SO_REUSEPORT, 1, cfg.ReusePort)
}

// overflow asks for the count of drops with each datagram (SO_RXQ_OVFL) if the
// kernel lacks SO_MEMINFO, which has it at any time.
func (s *settings) overflow() {
	if _, errno := meminfo(uintptr(s.fd)); errno != 0 {
		s.try(unix.SOL_SOCKET, unix.SO_RXQ_OVFL, 1, true)
	}
}

// set sets an option and reads it back, because some kernels accept options that
// they do not have.
func set(fd, level, option, value int) error {
	err := unix.SetsockoptInt(fd, level, option, value)
	now, ask := unix.GetsockoptInt(fd, level, option)
	if err != nil {
		if isBuffer(level, option) {
			now /= 2 // the kernel reports the double
		}
		if ask == nil && now == value {
			return nil // the option has the value already
		}
		return optionError("setsockopt", err.(syscall.Errno))
	}
	denied := ask == unix.ENOPROTOOPT || ask == unix.EOPNOTSUPP || ask == nil && !holds(level, option, value, now)
	if denied {
		return optionError("getsockopt", unix.ENOPROTOOPT)
	}
	return nil // also if a sandbox refuses getsockopt
}

// holds reports whether now is a valid value of an option that was set to value.
// The kernel bounds and doubles the size of a buffer, and may change the ECN bits.
func holds(level, option, value, now int) bool {
	switch {
	case isBuffer(level, option):
		return now > 0
	case level == unix.IPPROTO_IP && option == unix.IP_TOS:
		return now&^3 == value&^3
	}
	return now == value
}

// isBuffer reports whether an option is the size of a buffer.
func isBuffer(level, option int) bool {
	return level == unix.SOL_SOCKET && (option == unix.SO_RCVBUF || option == unix.SO_SNDBUF)
}

// optionError returns the error of setting an option. If the kernel lacks the
// option it is errors.ErrUnsupported. EPERM stays EPERM.
func optionError(call string, errno syscall.Errno) error {
	err := os.NewSyscallError(call, errno)
	switch errno {
	case unix.ENOPROTOOPT, unix.ENOSYS, unix.EOPNOTSUPP:
		return fmt.Errorf("%w: %w", errors.ErrUnsupported, err)
	}
	return err
}
