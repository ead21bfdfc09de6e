package portable

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/windows"

	"example.com/dgram/internal/kernel"
)

// The names of the options. Those that x/sys lacks are from ws2ipdef.h.
const (
	levelSocket = windows.SOL_SOCKET
	levelIPv4   = windows.IPPROTO_IP
	levelIPv6   = windows.IPPROTO_IPV6

	nameBroadcast   = windows.SO_BROADCAST
	nameExclusive   = ^windows.SO_REUSEADDR // SO_EXCLUSIVEADDRUSE (winsock2.h)
	nameError       = 0x1007                // SO_ERROR (winsock2.h)
	nameReadBuffer  = windows.SO_RCVBUF
	nameWriteBuffer = windows.SO_SNDBUF
	nameTTL         = windows.IP_TTL
	nameHops        = windows.IPV6_UNICAST_HOPS
	nameTOS         = windows.IP_TOS
	nameClass       = 39 // IPV6_TCLASS
	nameV6Only      = windows.IPV6_V6ONLY

	nameDontFragment = 14 // IP_DONTFRAGMENT, IPV6_DONTFRAG
	nameReceiveTOS   = 40 // IP_RECVTOS, IPV6_RECVTCLASS
	nameReceiveTTL   = 21 // IP_RECVTTL, IPV6_HOPLIMIT
)

const (
	bufferDoubling = 1
	flagTruncated  = windows.MSG_TRUNC

	// hasTOS is false: Windows accepts IP_TOS and ignores it. ("IPPROTO_IP socket
	// options" in the documentation of Windows Sockets 2.)
	hasTOS = false

	// canDup is false: net would have to take the socket out of its poller.
	canDup = false
)

// open has package net make the socket. Windows binds no socket to a group, so the
// socket is bound to every interface, and accepts checks the destination of each
// datagram. Package net does the same for the address of a group, but shares the
// port without being asked to.
func open(cfg kernel.Config) (*conn, error) {
	local := cfg.Local
	if cfg.Network == "udp6" && local.Addr().Is4() {
		return nil, unsupported("an IPv4 address of an IPv6 socket") // net would find no address
	}
	if a := local.Addr(); a.Zone() != "" {
		index, err := zoneIndex(a.Zone())
		if err != nil {
			return nil, err
		}
		local = netip.AddrPortFrom(a.WithZone(strconv.Itoa(index)), local.Port())
	}
	c := &conn{inet6: cfg.Network == "udp6", v6only: cfg.IPv6Only}
	if local.Addr().IsMulticast() {
		c.group = local.Addr().WithZone("")
	}
	address := local.String()
	if !local.Addr().IsValid() || c.group.IsValid() {
		address = ":" + strconv.Itoa(int(local.Port()))
	}
	lc := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		var err error
		if gone := raw.Control(func(fd uintptr) { err = c.configure(fd, cfg) }); gone != nil {
			return gone
		}
		if err == nil && cfg.Control != nil {
			err = cfg.Control(cfg.Network, cfg.Address, rawConn{raw, &c.shared})
		}
		return err
	}}
	s, err := lc.ListenPacket(context.Background(), cfg.Network, address)
	if err != nil {
		return nil, xnetError(err)
	}
	c.udp = s.(*net.UDPConn)
	if c.raw, err = c.udp.SyscallConn(); err != nil {
		c.udp.Close()
		return nil, xnetError(err)
	}
	return c, nil
}

// bind fails: only net binds here.
func (c *conn) bind(netip.AddrPort) error { return unsupported("binding an adopted socket") }

// adopted records the peer of an adopted socket. Package net has to be given the
// destination of each send.
func (c *conn) adopted(peer netip.AddrPort) { c.peer.Store(&peer) }

// isUDP returns true: package net has checked the type of the socket.
func isUDP(uintptr) bool { return true }

// canConnect returns false: package net sends without an address only on a socket
// that it has connected itself.
func canConnect(netip.Addr) bool { return false }

func (c *conn) connect(netip.AddrPort) error { return errors.ErrUnsupported }

// disconnect does nothing, because the kernel has no peer. It fails on a closed
// socket alone.
func (c *conn) disconnect(netip.AddrPort) error {
	_, err := c.LocalAddr()
	return err
}

func (c *conn) getsockname() (netip.AddrPort, error) {
	return c.name("getsockname", windows.Getsockname)
}

func (c *conn) getpeername() (netip.AddrPort, error) {
	return c.name("getpeername", windows.Getpeername)
}

func (c *conn) name(call string, f func(windows.Handle) (windows.Sockaddr, error)) (a netip.AddrPort, err error) {
	err = c.control(func(fd uintptr) error {
		sa, err := f(windows.Handle(fd))
		switch sa := sa.(type) {
		case *windows.SockaddrInet4:
			a = netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))
		case *windows.SockaddrInet6:
			a = netip.AddrPortFrom(zoned(netip.AddrFrom16(sa.Addr), int(sa.ZoneId)), uint16(sa.Port))
		}
		return os.NewSyscallError(call, err)
	})
	return a, err
}

// setInt sets an option; one that the system does not know is
// errors.ErrUnsupported.
func setInt(fd uintptr, level, name, value int) error {
	err := os.NewSyscallError("setsockopt", windows.SetsockoptInt(windows.Handle(fd), level, name, value))
	if errors.Is(err, windows.WSAENOPROTOOPT) {
		return fmt.Errorf("%w: %w", errors.ErrUnsupported, err)
	}
	return err
}

func getInt(fd uintptr, level, name int) (int, error) {
	value, err := windows.GetsockoptInt(windows.Handle(fd), level, name)
	return value, os.NewSyscallError("getsockopt", err)
}

func v6only(fd uintptr, only bool) error {
	value := 0
	if only {
		value = 1
	}
	return setInt(fd, levelIPv6, nameV6Only, value)
}

// exclusive keeps other sockets off the port: without SO_EXCLUSIVEADDRUSE any
// socket with SO_REUSEADDR can take it. ("Using SO_REUSEADDR and
// SO_EXCLUSIVEADDRUSE" in the documentation of Windows Sockets 2.)
func exclusive(fd uintptr) error { return setInt(fd, levelSocket, nameExclusive, 1) }

func reuseAddr(fd uintptr) error { return setInt(fd, levelSocket, windows.SO_REUSEADDR, 1) }
func reusePort(uintptr) error    { return unsupported("balancing SO_REUSEPORT") }

// disableMulticastAll asks for destinations if the socket stands for a group.
// Windows delivers no groups that only other sockets have joined.
func (c *conn) disableMulticastAll(fd uintptr) error {
	if c.group.IsValid() {
		return c.packetInfo(fd)
	}
	return nil
}

func (c *conn) useInterface(uintptr, string) error { return unsupported("binding to an interface") }

func (c *conn) packetInfo(fd uintptr) error {
	return c.each(fd, windows.IP_PKTINFO, windows.IPV6_PKTINFO)
}

func (c *conn) receiveTTL(fd uintptr) error { return c.each(fd, nameReceiveTTL, nameReceiveTTL) }

func (c *conn) receiveTOS(fd uintptr) error { return c.each(fd, nameReceiveTOS, nameReceiveTOS) }

func (c *conn) dontFragment(fd uintptr) error {
	return c.each(fd, nameDontFragment, nameDontFragment)
}

// each turns an option on for each family that the socket speaks.
func (c *conn) each(fd uintptr, v4, v6 int) error {
	if !c.inet6 {
		return setInt(fd, levelIPv4, v4, 1)
	}
	if c.speaksIPv4() {
		_ = setInt(fd, levelIPv4, v4, 1)
	}
	return setInt(fd, levelIPv6, v6, 1)
}
