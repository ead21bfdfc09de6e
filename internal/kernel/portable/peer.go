//go:build unix || windows

package portable

import (
	"errors"
	"net/netip"
	"os"
	"runtime"
	"syscall"
)

// Connect sets the peer.
//
// When the BSDs and macOS disconnect a socket, it also loses the address that it
// was bound to. Other systems do not document what happens. On these systems a
// socket that is bound to one address is connected in this package and not in the
// kernel: reads drop datagrams that are not from the peer.
func (c *conn) Connect(peer netip.AddrPort) error {
	c.peerIPv4.Store(peer.Addr().Unmap().Is4())
	local, err := c.LocalAddr()
	if err != nil {
		return err
	}
	if canConnect(local.Addr()) && !(oldPeerStays && c.inet6) {
		// FreeBSD refuses to connect a socket of a balanced SO_REUSEPORT group.
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

// oldPeerStays is true on Linux, where a disconnected IPv6 socket goes on to
// receive on its old peer's address alone.
const oldPeerStays = runtime.GOOS == "linux"

// Strangers returns how many datagrams reads dropped because they were not from the
// peer.
func (c *conn) Strangers() uint64 { return c.strangers.Load() }

// Disconnect removes the peer.
func (c *conn) Disconnect(local netip.AddrPort) error {
	c.only.Store(nil)
	if c.peer.Swap(nil) != nil {
		_, err := c.LocalAddr() // net.ErrClosed on a closed socket
		return err
	}
	return c.disconnect(local)
}

// RemoteAddr returns the peer.
func (c *conn) RemoteAddr() (netip.AddrPort, error) {
	peer, err := c.getpeername()
	if p := c.peer.Load(); p != nil && !c.closed.Load() {
		return *p, nil
	}
	return peer, err
}

// LocalAddr asks the kernel each time, because connecting changes the address.
func (c *conn) LocalAddr() (netip.AddrPort, error) {
	local, err := c.getsockname()
	if err == nil && c.group.IsValid() {
		local = netip.AddrPortFrom(c.group, local.Port())
	}
	return local, err
}

// accepts reports whether m is for this socket, in the cases that the kernel does
// not check.
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
