//go:build linux

package linux

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// peerDevice records how Connect changed the device of a socket: the kernel binds a
// socket to the device of a link-local peer.
type peerDevice struct{ before, after int }

// BindToDevice binds to the device that has the name now. The kernel lets a socket
// that has a device change it with CAP_NET_RAW alone (socket(7)). Without it, a new
// socket takes the place of the old one, as for [conn.Disconnect].
func (c *conn) BindToDevice(name string) error {
	err := c.controlAll(func(fd int) error { return bindToDevice(fd, name) })
	if !errors.Is(err, unix.EPERM) {
		return err
	}
	c.using.Lock()
	defer c.using.Unlock()
	if c.closed.Load() {
		return net.ErrClosed
	}
	index, err := zoneIndex(c.fd, name)
	if err != nil {
		return err
	}
	sa, err := unix.Getsockname(int(c.fd))
	if err != nil {
		return os.NewSyscallError("getsockname", err)
	}
	at := place{local: fromSockaddr(c.fd, sa), device: index}
	if sa, err := unix.Getpeername(int(c.fd)); err == nil {
		at.peer = fromSockaddr(c.fd, sa)
	}
	at.local, at.peer = inZone(at.local, name), inZone(at.peer, name)
	return c.replace(at)
}

// inZone replaces the zone of an address that has one.
func inZone(a netip.AddrPort, zone string) netip.AddrPort {
	if a.Addr().Zone() == "" {
		return a
	}
	return netip.AddrPortFrom(a.Addr().WithZone(zone), a.Port())
}

// bindToDevice binds a socket to a device by name. It checks the length of the
// name, because the kernel cuts a long name off and might find another device. It
// fails if the socket has no device afterwards.
func bindToDevice(fd int, name string) error {
	if len(name) >= unix.IFNAMSIZ || strings.Contains(name, "\x00") {
		return os.NewSyscallError("setsockopt", unix.ENODEV)
	}
	if err := unix.BindToDevice(fd, name); err != nil {
		return optionError("setsockopt", err.(syscall.Errno))
	}
	if now, err := unix.GetsockoptString(fd, unix.SOL_SOCKET, unix.SO_BINDTODEVICE); err == nil && now == "" && name != "" {
		return optionError("getsockopt", unix.ENOPROTOOPT)
	}
	return nil
}

// deviceOf returns the index of the device that a socket is bound to, or 0. The
// device may be deleted. Before Linux 5.0 the kernel returns the name alone.
func deviceOf(fd int) int {
	if index, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_BINDTOIFINDEX); err == nil {
		return index
	}
	name, err := unix.GetsockoptString(fd, unix.SOL_SOCKET, unix.SO_BINDTODEVICE)
	if err != nil || name == "" {
		return 0
	}
	index, err := zoneIndex(uintptr(fd), name)
	if err != nil {
		return 0
	}
	return index
}

// setDevice binds a socket to a device by its index, or to none.
func setDevice(fd, index int) error {
	if deviceOf(fd) == index {
		return nil
	}
	err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_BINDTOIFINDEX, index)
	if err != nil && err != unix.EPERM {
		name := ""
		if index != 0 {
			name = new(zoneCache).name(uintptr(fd), index)
		}
		err = unix.BindToDevice(fd, name)
	}
	return os.NewSyscallError("setsockopt", err)
}

// deviceWithoutPeer returns the device that the socket was bound to apart from its
// peer.
func (c *conn) deviceWithoutPeer(fd int) int {
	now := deviceOf(fd)
	if p := c.peerDevice.Load(); p != nil && p.after == now {
		return p.before
	}
	return now
}

// restoreDevice undoes what a Connect that failed has done.
func (c *conn) restoreDevice() error {
	c.using.Lock()
	defer c.using.Unlock()
	if c.closed.Load() {
		return net.ErrClosed
	}
	fd := int(c.fd)
	device := c.deviceWithoutPeer(fd)
	if setDevice(fd, device) == nil {
		return nil
	}
	sa, err := unix.Getsockname(fd)
	if err != nil {
		return os.NewSyscallError("getsockname", err)
	}
	return c.replace(place{local: fromSockaddr(c.fd, sa), device: device})
}
