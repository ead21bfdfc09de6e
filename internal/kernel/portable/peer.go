//go:build unix || windows

package portable

import (
	"errors"
	"net/netip"
	"os"
	"runtime"
	"syscall"
)

// Connect sets the one peer to talk to.
//
// The BSDs and macOS forget the address that a socket was bound to together
// with its peer, and on other systems there is no telling: there, a socket that
// is bound to one address is connected here and not in the kernel. What comes
// from others is dropped after it was read.
func (c *conn) Connect(peer netip.AddrPort) error {
	c.peerIPv4.Store(peer.Addr().Unmap().Is4())
	local, err := c.LocalAddr()
	if err != nil {
		return err
	}
	if canConnect(local.Addr()) && !(oldPeerStays && c.inet6) {
		// FreeBSD connects no socket of a balanced SO_REUSEPORT group.
		err := c.connect(peer)
		if err == nil {
			if peer, err := c.getpeername(); err == nil {
				c.only.Store(&peer)
			}
		}
		if !errors.Is(err, syscall.EOPNOTSUPP) {
			return err
		}
	}
	if peer, err = canonical(peer); err != nil {
		return err
	}
	if peer.Addr().Is4() && !c.speaksIPv4() || !peer.Addr().Is4() && !c.inet6 {
		return os.NewSyscallError("connect", syscall.EAFNOSUPPORT)
	}
	c.peer.Store(&peer)
	return nil
}

// sendsIPv6 reports whether a datagram leaves as IPv6: by its destination, or
// by the peer of the socket.
func (c *conn) sendsIPv6(to netip.Addr) bool {
	switch {
	case !c.inet6:
		return false
	case to.IsValid():
		return !to.Unmap().Is4()
	}
	return !c.peerIPv4.Load()
}

// oldPeerStays is true for Linux: an IPv6 socket that the kernel has connected
// hears its old peer's address alone, for good.
const oldPeerStays = runtime.GOOS == "linux"

// Strangers counts what reads passed over on a connected socket.
func (c *conn) Strangers() uint64 { return c.strangers.Load() }

// Disconnect forgets the peer.
func (c *conn) Disconnect(local netip.AddrPort) error {
	c.only.Store(nil)
	if c.peer.Swap(nil) != nil {
		_, err := c.LocalAddr() // net.ErrClosed, if so
		return err
	}
	return c.disconnect(local)
}

// RemoteAddr is the peer's address.
func (c *conn) RemoteAddr() (netip.AddrPort, error) {
	peer, err := c.getpeername()
	if p := c.peer.Load(); p != nil && !c.closed.Load() {
		return *p, nil
	}
	return peer, err
}

// LocalAddr asks the kernel: connecting changes it.
func (c *conn) LocalAddr() (netip.AddrPort, error) {
	local, err := c.getsockname()
	if err == nil && c.group.IsValid() {
		local = netip.AddrPortFrom(c.group, local.Port())
	}
	return local, err
}

// accepts reports whether m is for this socket, where the kernel left that to us.
func (c *conn) accepts(m *message) bool {
	if p := c.peer.Load(); p != nil && m.from != *p {
		c.strangers.Add(1)
		return false
	}
	if p := c.only.Load(); p != nil && m.from != *p {
		c.strangers.Add(1)
		return false
	}
	return !c.group.IsValid() || m.to == c.group.WithZone("")
}
