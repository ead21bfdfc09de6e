//go:build linux

package linux

import (
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Disconnect forgets the peer and leaves everything else as it was. Linux forgets
// more (udp_disconnect): the device that the socket is bound to, and a port that
// the kernel had chosen. Sends wait meanwhile: a socket without a port would be
// bound to another by the next send.
func (c *conn) Disconnect(local netip.AddrPort) error {
	c.using.Lock()
	defer c.using.Unlock()
	if c.closed.Load() {
		return net.ErrClosed
	}
	device := ""
	err := c.control("connect", func(fd uintptr) error {
		device, _ = unix.GetsockoptString(int(fd), unix.SOL_SOCKET, unix.SO_BINDTODEVICE)
		name := rawName{Family: unix.AF_UNSPEC}
		if errno := sysConnect(fd, &name, sizeofName); errno != 0 {
			return errno
		}
		return nil
	})
	if err != nil {
		return err
	}
	c.bursts.clear()
	c.connected.Store(false)
	if device != "" {
		if err := c.controlAll(func(fd int) error { return bindToDevice(fd, device) }); err != nil {
			return err
		}
	}
	if now, err := c.LocalAddr(); err != nil || now.Port() != 0 {
		return err
	}
	return c.bind(local)
}
