//go:build linux

package linux

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"example.com/dgram/internal/kernel"
)

// Connect sets the peer. Datagrams that others sent before may be queued; reads
// drop them.
func (c *conn) Connect(peer netip.AddrPort) error {
	err := c.withAddr("connect", peer, func(fd uintptr, name *rawName, n uint32) syscall.Errno {
		var device peerDevice
		if c.inet6 {
			device.before = deviceOf(int(fd))
		}
		errno := sysConnect(fd, name, n)
		if c.inet6 {
			device.after = deviceOf(int(fd))
		}
		c.peerDevice.Store(&device)
		return errno
	})
	if err != nil {
		if d := c.peerDevice.Load(); d != nil && d.before != d.after {
			_ = c.restoreDevice()
		}
		c.peerDevice.Store(nil)
		return err
	}
	c.bursts.clear()
	c.connected.Store(true)
	c.peerIPv4.Store(peer.Addr().Unmap().Is4())
	if peer, err = c.RemoteAddr(); err == nil {
		c.only.Store(&peer)
	}
	return nil
}

// isStranger reports whether a datagram is not from the peer, and counts it. It was
// queued before the socket was connected.
func (c *conn) isStranger(from netip.AddrPort) bool {
	only := c.only.Load()
	if only == nil || from == *only {
		return false
	}
	c.strangers.Add(1)
	return true
}

// Disconnect removes the peer and leaves everything else as it was.
//
// The kernel's way to disconnect (AF_UNSPEC, connect(2)) also removes the device,
// and a port that the kernel had chosen, and an IPv6 socket goes on to receive on
// its old peer's address alone. Therefore a new socket takes the place of the old
// one, bound beside it. The old socket is connected to itself, so that it receives
// nothing more, and is closed when its queue has been read. Sends and options wait
// meanwhile.
//
// Other owners of a shared descriptor keep the old socket. A shared IPv4 socket is
// disconnected in place, for all owners. A shared IPv6 socket cannot be: the other
// owners keep the peer and receive its datagrams as long as they have the socket.
func (c *conn) Disconnect(local netip.AddrPort) error {
	c.using.Lock()
	defer c.using.Unlock()
	if c.closed.Load() {
		return net.ErrClosed
	}
	var err error
	if c.shared.Load() && !c.inet6 {
		err = c.disconnectInPlace(local)
	} else if err = c.replace(place{local: local, device: c.deviceWithoutPeer(int(c.fd))}); errors.Is(err, unix.EADDRINUSE) {
		// gVisor binds no socket beside another, and disconnects in place without
		// these faults. But an IPv6 socket goes on to speak what it spoke with its last
		// peer there: after an IPv4 one IPv4 alone, after an IPv6 one both.
		err = nil
		if c.inet6 && c.peerIPv4.Load() {
			err = c.connectTo(c.fd, netip.AddrPortFrom(netip.IPv6Loopback(), 9))
		}
		if err == nil {
			err = c.disconnectInPlace(local)
		}
	}
	if err != nil {
		return err
	}
	c.bursts.clear()
	c.only.Store(nil)
	c.connected.Store(false)
	c.peerDevice.Store(nil)
	return nil
}

func (c *conn) disconnectInPlace(local netip.AddrPort) error {
	device := c.deviceWithoutPeer(int(c.fd))
	if err := forgetPeer(c.fd); err != nil {
		return err
	}
	if err := setDevice(int(c.fd), device); err != nil {
		return err
	}
	if sa, err := unix.Getsockname(int(c.fd)); err != nil || fromSockaddr(c.fd, sa).Port() != 0 {
		return os.NewSyscallError("getsockname", err)
	}
	return c.bindTo(c.fd, local)
}

// forgetPeer disconnects fd (connect(2)). The kernel also removes the source address
// and the device that connecting had set.
func forgetPeer(fd uintptr) error {
	none := rawName{Family: unix.AF_UNSPEC}
	if errno := sysConnect(fd, &none, sizeofName); errno != 0 {
		return os.NewSyscallError("connect", errno)
	}
	return nil
}

// connectTo connects fd. The caller holds the lock.
func (c *conn) connectTo(fd uintptr, peer netip.AddrPort) error {
	var name rawName
	n, err := c.encode(fd, &name, peer)
	if err != nil {
		return err
	}
	if errno := sysConnect(fd, &name, n); errno != 0 {
		return os.NewSyscallError("connect", errno)
	}
	return nil
}

// bindTo binds fd. The caller holds the lock.
func (c *conn) bindTo(fd uintptr, local netip.AddrPort) error {
	var name rawName
	n, err := c.encode(fd, &name, local)
	if err != nil {
		return err
	}
	if errno := sysBind(fd, &name, n); errno != 0 {
		return os.NewSyscallError("bind", errno)
	}
	return nil
}

// A place has the addresses and the device of a socket that replaces another.
type place struct {
	local  netip.AddrPort
	peer   netip.AddrPort // not valid where there is none
	device int            // index of the device that the socket is bound to, or 0
}

// replace replaces the present socket by a new one. If it fails nothing has
// changed. The caller holds using for writing.
func (c *conn) replace(at place) error {
	family := unix.AF_INET
	if c.inet6 {
		family = unix.AF_INET6
	}
	old := c.sock.Load()
	fd, err := socketBeside(int(old.fd), family)
	if err != nil {
		return err
	}
	fresh, err := newSocket(fd, old.file.Name())
	if err != nil {
		return err
	}
	if err := c.prepare(fresh, old, at); err != nil {
		fresh.file.Close()
		return err
	}
	c.dropped.advance(c.meminfoDrops)
	if !c.shared.Load() && connectToSelf(old.fd) != 0 {
		_ = attachDeafFilter(int(old.fd))
	}
	c.dropped.reset(0)

	c.drain.mu.Lock()
	_ = fresh.file.SetReadDeadline(c.drain.deadline)
	c.drain.interrupted = false // the interruption was the old socket's
	c.fd = fresh.fd
	c.older.add(old)
	c.sock.Store(fresh)
	c.drain.mu.Unlock()
	c.shared.Store(false) // the new one has one owner
	c.exposed.Store(false)
	old.wake()
	if poll(old.fd, unix.POLLIN, 0) == 0 && !c.rx.blocked.Load() { // else the read loop retires it
		c.older.retire(old)
	}
	return nil
}

// prepare gives fresh the options, the address and the peer that it needs to
// replace old.
func (c *conn) prepare(fresh, old *socket, at place) error {
	to, from := int(fresh.fd), int(old.fd)
	copyOptions(to, from)
	if err := setDevice(to, at.device); err != nil {
		return err
	}
	reuse, err := unix.GetsockoptInt(from, unix.SOL_SOCKET, unix.SO_REUSEADDR)
	if err != nil {
		return os.NewSyscallError("getsockopt", err)
	}
	for _, s := range []int{from, to} { // both sockets share the port until the old one is read
		if err := unix.SetsockoptInt(s, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
	}
	if err = c.bindTo(fresh.fd, at.local); err == nil {
		err = c.kept.repeat(fresh.raw)
	}
	if err == nil && at.peer.IsValid() {
		err = c.connectTo(fresh.fd, at.peer)
	}
	if err != nil {
		_ = unix.SetsockoptInt(from, unix.SOL_SOCKET, unix.SO_REUSEADDR, reuse)
		return err
	}
	return os.NewSyscallError("setsockopt", unix.SetsockoptInt(to, unix.SOL_SOCKET, unix.SO_REUSEADDR, reuse))
}

var _ kernel.Keeper = (*conn)(nil)
