//go:build linux

package linux

import (
	"net"
	"net/netip"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"example.com/dgram/internal/kernel"
)

// System implements the kernel contract with Linux' system calls. Package net
// cannot bind to a group, connect a bound socket, disconnect one, or read and write
// batches without allocating.
type System struct{}

// IPv6 reports whether an IPv6 socket can be bound.
func (System) IPv6() bool {
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	return unix.Bind(fd, &unix.SockaddrInet6{Addr: netip.IPv6Loopback().As16()}) == nil
}

// Open makes a socket: options first, then the user's Control, then bind and
// connect.
func (System) Open(cfg kernel.Config) (kernel.Conn, error) {
	family := unix.AF_INET
	if cfg.Network == "udp6" {
		family = unix.AF_INET6
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	c, err := newConn(fd, cfg)
	if err != nil {
		return nil, err
	}
	if err := c.open(cfg); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (c *conn) open(cfg kernel.Config) error {
	late := sharesAfterBind(cfg)
	if !late {
		if err := c.share(cfg); err != nil {
			return err
		}
	}
	if err := c.configure(cfg); err != nil {
		return err
	}
	if cfg.Control != nil {
		if err := cfg.Control(cfg.Network, cfg.Address, c.SyscallConn()); err != nil {
			return err
		}
	}
	if err := c.bind(cfg.Local); err != nil {
		return err
	}
	if late {
		if err := c.share(cfg); err != nil {
			return err
		}
	}
	if cfg.Remote.IsValid() {
		return c.Connect(cfg.Remote)
	}
	return nil
}

// bind binds to local; without an address, to every interface.
func (c *conn) bind(local netip.AddrPort) error {
	if !local.Addr().IsValid() {
		wildcard := netip.IPv4Unspecified()
		if c.inet6 {
			wildcard = netip.IPv6Unspecified()
		}
		local = netip.AddrPortFrom(wildcard, local.Port())
	}
	return c.withAddr("bind", local, func(fd uintptr, name *rawName, n uint32) syscall.Errno {
		return sysBind(fd, name, n)
	})
}

// Adopt makes a Conn of a duplicate of f's descriptor.
func (System) Adopt(f *os.File, cfg kernel.Config) (kernel.Conn, kernel.Config, error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return nil, cfg, err
	}
	fd := -1
	var dup error
	if err := raw.Control(func(s uintptr) {
		fd, dup = unix.FcntlInt(s, unix.F_DUPFD_CLOEXEC, 0)
	}); err != nil {
		return nil, cfg, net.ErrClosed // Control fails on a closed file alone
	}
	if dup != nil {
		return nil, cfg, os.NewSyscallError("fcntl", dup)
	}
	if cfg, err = inspect(fd, cfg); err == nil {
		err = os.NewSyscallError("fcntl", unix.SetNonblock(fd, true))
	}
	if err != nil {
		unix.Close(fd)
		return nil, cfg, err
	}
	c, err := newConn(fd, cfg)
	if err != nil {
		return nil, cfg, err
	}
	c.shared.Store(true)
	c.connected.Store(cfg.Remote.IsValid())
	c.peerIPv4.Store(cfg.Remote.Addr().Is4())
	if peer := cfg.Remote; peer.IsValid() {
		c.only.Store(&peer)
	}
	if before, ok := c.meminfoDrops(); ok {
		c.dropped.reset(before) // drops before Adopt do not count
	}
	if err := c.adopt(&cfg); err != nil {
		c.Close()
		return nil, cfg, err
	}
	return c, cfg, nil
}

// adopt gives the descriptor the options that were asked for, and an address
// if it has none.
func (c *conn) adopt(cfg *kernel.Config) error {
	if err := c.configure(*cfg); err != nil {
		return err
	}
	if cfg.Local.Port() != 0 {
		return nil
	}
	if err := c.bind(netip.AddrPort{}); err != nil {
		return err
	}
	var err error
	cfg.Local, err = c.LocalAddr()
	return err
}

// isUDP reports whether fd is a plain UDP socket: not a raw socket of the same
// protocol, and not the end of a tunnel.
func isUDP(fd int) bool {
	is := func(level, option, value int) bool {
		v, err := unix.GetsockoptInt(fd, level, option)
		return err == nil && v == value
	}
	encapsulation, err := unix.GetsockoptInt(fd, unix.SOL_UDP, unix.UDP_ENCAP)
	return is(unix.SOL_SOCKET, unix.SO_PROTOCOL, unix.IPPROTO_UDP) && is(unix.SOL_SOCKET, unix.SO_TYPE, unix.SOCK_DGRAM) &&
		(err != nil || encapsulation == 0)
}

// inherited turns off options that the last owner of an adopted socket set and that
// a new socket would not have. It fails with ErrNotUDP if an option that changes
// datagrams cannot be turned off.
func (s *settings) inherited(cfg kernel.Config) {
	for _, option := range []int{unix.UDP_SEGMENT, unix.UDP_CORK} {
		if value, err := unix.GetsockoptInt(s.fd, unix.SOL_UDP, option); err == nil && value != 0 && set(s.fd, unix.SOL_UDP, option, 0) != nil {
			s.err = kernel.ErrNotUDP
			return
		}
	}
	s.try(unix.SOL_UDP, unix.UDP_GRO, 0, true)
	s.try(unix.SOL_SOCKET, unix.SO_PEEK_OFF, -1, true)
	s.must(unix.SOL_SOCKET, unix.SO_BROADCAST, 0, !cfg.Broadcast)
}

// inspect returns the network, the addresses and the IPv6 option of a descriptor.
func inspect(fd int, cfg kernel.Config) (kernel.Config, error) {
	if !isUDP(fd) {
		return cfg, kernel.ErrNotUDP
	}
	local, err := unix.Getsockname(fd)
	if err != nil {
		return cfg, os.NewSyscallError("getsockname", err)
	}
	switch local.(type) {
	case *unix.SockaddrInet4:
		cfg.Network = "udp4"
	case *unix.SockaddrInet6:
		cfg.Network = "udp6"
		only, err := unix.GetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY)
		cfg.IPv6Only = err == nil && only != 0
	default:
		return cfg, kernel.ErrNotUDP
	}
	cfg.Local = fromSockaddr(uintptr(fd), local)
	if peer, err := unix.Getpeername(fd); err == nil {
		cfg.Remote = fromSockaddr(uintptr(fd), peer)
	}
	return cfg, nil
}
