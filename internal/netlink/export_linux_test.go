package netlink

import (
	"errors"

	"golang.org/x/sys/unix"
)

// SetReadBuffer sets the size of the receive buffer.
func (c *Conn) SetReadBuffer(bytes int) error {
	var err error
	closed := c.raw.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, bytes)
	})
	return errors.Join(closed, err)
}

// SendTo sends b to another Conn, as a process does that pretends to be the kernel.
func (c *Conn) SendTo(other *Conn, b []byte) error {
	var to unix.Sockaddr
	var err error
	closed := other.raw.Control(func(fd uintptr) { to, err = unix.Getsockname(int(fd)) })
	if err := errors.Join(closed, err); err != nil {
		return err
	}
	closed = c.raw.Control(func(fd uintptr) { err = unix.Sendto(int(fd), b, 0, to) })
	return errors.Join(closed, err)
}
