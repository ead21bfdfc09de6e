//go:build unix

package portable

import (
	"net"
	"os"

	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"

	"example.com/dgram/internal/kernel"
)

// Send sends d without waiting.
func (c *conn) Send(d *kernel.Datagram, oob []byte) error {
	to, oob, err := c.address(d, oob)
	if err != nil {
		return err
	}
	if emptyControlPads && len(oob) > 0 && d.Len() == 0 {
		return c.sendEmpty(oob, to)
	}
	return c.control(func(fd uintptr) error {
		return os.NewSyscallError("sendmsg", c.sendmsg(int(fd), d, oob, to))
	})
}

// sendWhenReady waits for room until the write deadline.
func (c *conn) sendWhenReady(d *kernel.Datagram, oob []byte) error {
	to, oob, err := c.address(d, oob)
	if err != nil {
		return err
	}
	if gone := c.raw.Write(func(fd uintptr) bool {
		err = c.sendmsg(int(fd), d, oob, to)
		return err != unix.EAGAIN
	}); gone != nil {
		return xnetError(gone)
	}
	return os.NewSyscallError("sendmsg", err)
}

// address returns the destination of d and its control messages.
func (c *conn) address(d *kernel.Datagram, oob []byte) (unix.Sockaddr, []byte, error) {
	dst := d.To
	if p := c.peer.Load(); p != nil && !dst.IsValid() {
		dst = *p
	}
	if len(oob) == 0 {
		var err error
		if oob, err = c.controls(d, dst.Addr()); err != nil {
			return nil, nil, err
		}
	}
	if len(oob) > 0 && !hasControl {
		return nil, nil, unsupported("control messages")
	}
	if !dst.IsValid() {
		return nil, oob, nil
	}
	to, err := c.sockaddr("sendmsg", dst)
	return to, oob, err
}

func (c *conn) sendmsg(fd int, d *kernel.Datagram, oob []byte, to unix.Sockaddr) (err error) {
	c.sending.RLock()
	defer c.sending.RUnlock()
	for {
		c.writes.Add(1)
		switch {
		case c.refusal.sendmsg.Load() && len(oob) > 0:
			return unix.EOPNOTSUPP // no call is left that takes control messages
		case c.refusal.sendmsg.Load():
			err = sendto(fd, append([][]byte{d.Data}, d.More...), to)
		case len(d.More) == 0:
			_, err = unix.SendmsgN(fd, d.Data, oob, to, dontWait)
		default:
			_, err = unix.SendmsgBuffers(fd, append([][]byte{d.Data}, d.More...), oob, to, dontWait)
		}
		if err != nil && !c.refusal.sendmsg.Load() && c.refusal.sendRefused(err) {
			continue
		}
		if err != unix.EINTR {
			return err
		}
	}
}

// sendEmpty sends an empty datagram with control messages. x/sys and net add a byte
// to it on most systems. x/net does not, but may wait.
func (c *conn) sendEmpty(oob []byte, to unix.Sockaddr) error {
	m := ipv4.Message{Buffers: [][]byte{{}}, OOB: oob}
	if to != nil {
		m.Addr = net.UDPAddrFromAddrPort(fromSockaddr(to))
	}
	c.sending.RLock()
	defer c.sending.RUnlock()
	c.writes.Add(1)
	_, err := ipv4.NewPacketConn(c.udp).WriteBatch([]ipv4.Message{m}, 0)
	return xnetError(err)
}
