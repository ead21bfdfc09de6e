//go:build unix

package portable

import (
	"net"
	"net/netip"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"example.com/dgram/internal/kernel"
)

// system returns err as it is. Windows has another version.
func system(err error) error { return err }

// canDup says that descriptors can be duplicated.
const canDup = true

// open makes a socket, sets its options and binds it. net's Listen functions would
// bind a group's socket to every interface, so open makes the socket itself and net
// adopts it.
func open(cfg kernel.Config) (*conn, error) {
	family := unix.AF_INET
	if cfg.Network == "udp6" {
		family = unix.AF_INET6
	}
	syscall.ForkLock.RLock()
	fd, err := unix.Socket(family, unix.SOCK_DGRAM, 0)
	if err == nil {
		unix.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	f := os.NewFile(uintptr(fd), cfg.Network)
	s, err := net.FilePacketConn(f) // duplicates
	f.Close()
	if err != nil {
		return nil, xnetError(err)
	}
	udp, ok := s.(*net.UDPConn)
	if !ok {
		s.Close()
		return nil, kernel.ErrNotUDP
	}
	c, err := newConn(udp, cfg.Network, cfg.IPv6Only)
	if err != nil {
		return nil, err
	}
	if err := c.prepare(cfg); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (c *conn) prepare(cfg kernel.Config) error {
	if err := c.control(func(fd uintptr) error { return c.configure(fd, cfg) }); err != nil {
		return err
	}
	if cfg.Control != nil {
		if err := cfg.Control(cfg.Network, cfg.Address, c.SyscallConn()); err != nil {
			return err
		}
	}
	return c.bind(cfg.Local)
}

// bind binds to local; without an address, to every interface.
func (c *conn) bind(local netip.AddrPort) error {
	return c.withAddr("bind", local, unix.Bind)
}

// connect connects in the kernel.
func (c *conn) connect(peer netip.AddrPort) error {
	return c.withAddr("connect", peer, unix.Connect)
}

// disconnect disconnects in the kernel. Some systems then also release a port that
// they had chosen, so disconnect binds the socket again. A send in between would bind
// it to another port.
func (c *conn) disconnect(local netip.AddrPort) error {
	c.sending.Lock()
	defer c.sending.Unlock()
	if err := c.control(clearPeer); err != nil {
		return err
	}
	if now, err := c.LocalAddr(); err != nil || now.Port() != 0 {
		return err
	}
	return c.bind(local)
}

// adopted does nothing: the kernel knows the peer of an adopted socket.
func (c *conn) adopted(netip.AddrPort) {}

// withAddr runs f on the descriptor with a as the kernel writes it.
func (c *conn) withAddr(call string, a netip.AddrPort, f func(int, unix.Sockaddr) error) error {
	sa, err := c.sockaddr(call, a)
	if err != nil {
		return err
	}
	return c.control(func(fd uintptr) error { return os.NewSyscallError(call, f(int(fd), sa)) })
}

// sockaddr converts a to the family of the socket: an IPv6 socket takes IPv4
// addresses as IPv4-mapped ones. An invalid address stands for every interface.
func (c *conn) sockaddr(call string, a netip.AddrPort) (unix.Sockaddr, error) {
	addr := a.Addr().Unmap()
	if c.inet6 {
		sa := &unix.SockaddrInet6{Port: int(a.Port()), Addr: addr.As16()}
		if zone := addr.Zone(); zone != "" {
			index, err := zoneIndex(zone)
			if err != nil {
				return nil, err
			}
			sa.ZoneId = uint32(index)
		}
		return sa, nil
	}
	sa := &unix.SockaddrInet4{Port: int(a.Port())}
	switch {
	case addr.Is4():
		sa.Addr = addr.As4()
	case addr.IsValid():
		return nil, os.NewSyscallError(call, unix.EAFNOSUPPORT)
	}
	return sa, nil
}

func fromSockaddr(sa unix.Sockaddr) netip.AddrPort {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(zoned(netip.AddrFrom16(sa.Addr), int(sa.ZoneId)), uint16(sa.Port))
	}
	return netip.AddrPort{}
}

func (c *conn) getsockname() (netip.AddrPort, error) {
	return c.name("getsockname", unix.Getsockname)
}

func (c *conn) getpeername() (netip.AddrPort, error) {
	return c.name("getpeername", unix.Getpeername)
}

func (c *conn) name(call string, f func(int) (unix.Sockaddr, error)) (a netip.AddrPort, err error) {
	err = c.control(func(fd uintptr) error {
		sa, err := f(int(fd))
		a = fromSockaddr(sa)
		return os.NewSyscallError(call, err)
	})
	return a, err
}
