//go:build unix || windows

package portable

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"

	"example.com/dgram/internal/kernel"
)

// Adopt makes a Conn of a duplicate of f's descriptor.
func (System) Adopt(f *os.File, cfg kernel.Config) (kernel.Conn, kernel.Config, error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return nil, cfg, err
	}
	if raw.Control(func(uintptr) {}) != nil {
		return nil, cfg, net.ErrClosed // Control fails on a closed file alone
	}
	s, err := net.FilePacketConn(f)
	switch {
	case errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE):
		return nil, cfg, xnetError(err)
	case err != nil:
		return nil, cfg, kernel.ErrNotUDP
	}
	udp, ok := s.(*net.UDPConn)
	if !ok {
		s.Close()
		return nil, cfg, kernel.ErrNotUDP
	}
	cfg.Network = "udp6"
	if a, ok := udp.LocalAddr().(*net.UDPAddr); ok && len(a.IP) == net.IPv4len {
		cfg.Network = "udp4"
	}
	c, err := newConn(udp, cfg.Network, false)
	if err != nil {
		return nil, cfg, err
	}
	c.shared.Store(true)
	if err := c.adopt(&cfg); err != nil {
		c.Close()
		return nil, cfg, err
	}
	return c, cfg, nil
}

// adopt fills cfg with what the descriptor is, sets the options that were asked
// for, and binds the socket if it has no address.
func (c *conn) adopt(cfg *kernel.Config) error {
	err := c.control(func(fd uintptr) error {
		if !isUDP(fd) {
			return kernel.ErrNotUDP
		}
		if c.inet6 {
			only, err := getInt(fd, levelIPv6, nameV6Only)
			c.v6only = err == nil && only != 0
		}
		cfg.IPv6Only = c.v6only
		return c.configure(fd, *cfg)
	})
	if err != nil {
		return err
	}
	if cfg.Local, err = c.LocalAddr(); err != nil {
		return err
	}
	if cfg.Local.Port() == 0 {
		if err := c.bind(netip.AddrPort{}); err != nil {
			return err
		}
		if cfg.Local, err = c.LocalAddr(); err != nil {
			return err
		}
	}
	cfg.Remote = netip.AddrPort{}
	if peer, err := c.getpeername(); err == nil {
		cfg.Remote = peer
		c.peerIPv4.Store(peer.Addr().Is4())
		c.adopted(peer)
	}
	return nil
}
