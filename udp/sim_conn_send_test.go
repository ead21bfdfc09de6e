package udp_test

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"slices"
	"syscall"

	"example.com/dgram/internal/kernel"
)

// accept is a send. The caller holds mu.
func (c *simConn) accept(d *kernel.Datagram) error {
	c.calls.Write++
	if c.closes > 0 || c.tire() {
		return net.ErrClosed
	}
	fate := c.deaf
	if len(c.fates) > 0 {
		fate, c.fates = c.fates[0], c.fates[1:]
	}
	if fate == nil && c.space == 0 {
		fate = syscall.EAGAIN
	}
	if fate != nil {
		return os.NewSyscallError("sendmsg", fate)
	}
	c.space--
	data := slices.Concat(append([][]byte{d.Data}, d.More...)...)
	to := d.To
	if !to.IsValid() {
		to = c.peer
	}
	c.sent = append(c.sent, simSent{data, to, d.From})
	c.sentBytes += len(data)
	return nil
}

func (c *simConn) Send(d *kernel.Datagram, _ []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.accept(d)
}

func (c *simConn) SendTo(b []byte, to netip.AddrPort) error {
	return c.Send(&kernel.Datagram{Data: b, To: to}, nil)
}

func (c *simConn) SendBatch(ds []kernel.Datagram) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range ds {
		if i == c.interrupt && i > 0 {
			c.interrupt = 0
			return i, kernel.ErrPending
		}
		if err := c.accept(&ds[i]); err != nil {
			return i, err
		}
	}
	return len(ds), nil
}

func (c *simConn) SendWait(d *kernel.Datagram, _ []byte, stop <-chan struct{}) error {
	defer c.alone(&c.waiting, "SendWait")()
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		err := c.accept(d)
		if !errors.Is(err, syscall.EAGAIN) {
			return err
		}
		bell := c.bell
		c.mu.Unlock()
		select {
		case <-bell:
		case <-stop:
			c.mu.Lock()
			return kernel.ErrStopped
		}
		c.mu.Lock()
	}
}
