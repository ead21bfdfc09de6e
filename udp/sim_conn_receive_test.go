package udp_test

import (
	"net"
	"os"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/net/ipv4"

	"example.com/dgram/internal/kernel"
	"example.com/dgram/internal/slab"
)

// take waits for packets, at most n of them.
func (c *simConn) take(n int) ([]simPacket, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for told := c.pending; ; {
		if err := c.ready(); err != nil {
			return nil, err
		}
		if c.tire() {
			return nil, net.ErrClosed
		}
		if c.pending && (told || len(c.errs)+len(c.buffer) == 0) {
			c.read += c.async
			c.async, c.pending = 0, false
			return nil, kernel.ErrPending
		}
		c.calls.Read++
		if len(c.errs) > 0 || c.broken != nil {
			err := c.broken
			if len(c.errs) > 0 {
				err, c.errs = c.errs[0], c.errs[1:]
			}
			if err == syscall.EINTR || err == syscall.EAGAIN {
				continue // the kernel package tries again
			}
			if err == os.ErrDeadlineExceeded {
				return nil, err
			}
			errno := err.(syscall.Errno)
			if err != c.broken && !kernel.IsSocketGone(errno) && !kernel.IsMemoryShort(errno) {
				if !c.errorQueue || len(c.refusals) == 0 {
					c.refusals = append(c.refusals, kernel.Refusal{Errno: errno})
					c.async++
				}
				c.pending = true
				continue
			}
			c.read++
			return nil, os.NewSyscallError("recvmmsg", err)
		}
		if len(c.buffer) > 0 {
			if c.short > 0 {
				n, c.short = min(n, c.short), 0
			}
			return c.cut(n), nil
		}
		bell := c.bell
		c.mu.Unlock()
		<-bell
		c.mu.Lock()
	}
}

// ready says why nobody may read. The caller holds mu.
func (c *simConn) ready() error {
	switch {
	case c.closes > 0:
		return net.ErrClosed
	case c.draining && len(c.buffer) == 0 && len(c.errs) == 0 && c.broken == nil && !c.pending:
		return kernel.ErrDrained
	case !c.draining && !c.deadline.IsZero() && !time.Now().Before(c.deadline):
		return os.ErrDeadlineExceeded
	}
	return nil
}

// alone checks that a call has no company.
func (c *simConn) alone(busy *atomic.Bool, call string) func() {
	if busy.Swap(true) {
		c.t.Errorf("socket %d: two callers of %s", c.index, call)
	}
	return func() { busy.Store(false) }
}

// waits reports whether a read would wait, or fail.
func (c *simConn) waits() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.buffer) == 0
}

func (c *simConn) Receive(s kernel.Sink, once bool) error {
	defer c.alone(&c.receiving, "Receive")()
	var copies slab.Writer
	for {
		if c.waits() {
			if s.Idle() && !s.Wait() {
				return nil
			}
		}
		room := s.Room()
		if room < 1 {
			c.t.Errorf("socket %d: room for %d packets", c.index, room)
		}
		got, err := c.take(min(max(room, 1), 16))
		if err != nil {
			return err
		}
		deliver(s, got, &copies)
		if s.Pending() && !s.Wait() || once {
			return nil
		}
	}
}

// deliver hands packets to a sink in scratch memory, and spoils it afterwards.
func deliver(s kernel.Sink, got []simPacket, copies *slab.Writer) {
	packets := make([]kernel.Packet, len(got))
	blocks := make([]*slab.Block, len(got))
	for i, p := range got {
		blocks[i] = slab.Take()
		data := blocks[i].Bytes()[:0]
		for _, d := range p.datagrams {
			data = append(data, d...)
		}
		packets[i] = kernel.Packet{Data: data, From: p.from, To: p.to, Truncated: p.truncated}
		if len(p.datagrams) > 1 {
			packets[i].Segment = len(p.datagrams[0])
		}
	}
	batch := kernel.NewBatch(packets, slices.Clone(blocks), copies)
	s.Deliver(&batch)
	for i, b := range blocks {
		if batch.Took(i) {
			continue
		}
		for k := range packets[i].Data {
			packets[i].Data[k] = 0xee
		}
		slab.Return(b)
	}
	clear(packets)
}

func (c *simConn) ReadMsg(b, oob []byte, p *kernel.Packet) (n, oobn, flags int, err error) {
	defer c.alone(&c.receiving, "ReadMsg")()
	got, err := c.take(1)
	if err != nil {
		return 0, 0, 0, err
	}
	if len(got[0].datagrams) > 1 {
		c.t.Errorf("socket %d: a burst for a caller who wants datagrams", c.index)
	}
	*p = kernel.Packet{From: got[0].from, To: got[0].to}
	return copy(b, got[0].datagrams[0]), 0, 0, nil
}

func (c *simConn) ReadMsgs(ms []ipv4.Message, _ int) (int, error) {
	defer c.alone(&c.receiving, "ReadMsgs")()
	got, err := c.take(len(ms))
	for i, p := range got {
		ms[i].N = copy(ms[i].Buffers[0], p.datagrams[0])
		ms[i].Addr = net.UDPAddrFromAddrPort(p.from)
	}
	return len(got), err
}

// TryReceive delivers what is there now.
func (c *simConn) TryReceive(s kernel.Sink) error {
	defer c.alone(&c.receiving, "TryReceive")()
	var copies slab.Writer
	got, err := c.takeNow(min(max(s.Room(), 1), 16))
	if err != nil || len(got) == 0 {
		return err
	}
	deliver(s, got, &copies)
	return nil
}

func (c *simConn) takeNow(n int) ([]simPacket, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls.Read++
	switch {
	case c.closes > 0:
		return nil, net.ErrClosed
	case len(c.errs) > 0:
		err := c.errs[0]
		c.errs = c.errs[1:]
		return nil, os.NewSyscallError("recvmmsg", err)
	case c.draining && len(c.buffer) == 0:
		return nil, kernel.ErrDrained
	}
	return c.cut(n), nil
}

// cut takes up to n packets out of the buffer. The caller holds mu.
func (c *simConn) cut(n int) []simPacket {
	n = min(n, len(c.buffer))
	got := slices.Clone(c.buffer[:n])
	c.buffer = slices.Delete(c.buffer, 0, n)
	for _, p := range got {
		c.queued -= len(p.datagrams)
	}
	return got
}

func (c *simConn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closes > 0 {
		return net.ErrClosed
	}
	c.deadline = t
	if c.timer != nil {
		c.timer.Stop()
	}
	if left := time.Until(t); !t.IsZero() && left > 0 {
		c.timer = time.AfterFunc(left, func() { c.change(func() {}) })
	}
	c.ring()
	return nil
}
