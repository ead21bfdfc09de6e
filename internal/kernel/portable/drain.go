//go:build unix || windows

package portable

import (
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"example.com/dgram/internal/kernel"
)

// draining is the state of a socket's Drain. The systems of this package cannot
// reject datagrams, so reads return at most as many datagrams as can have been
// queued when Drain was called.
type draining struct {
	mu   sync.Mutex // serializes Drain and SetReadDeadline
	on   atomic.Bool
	left atomic.Int64 // datagrams that reads may still take

	deadline time.Time // of reads; guarded by mu
}

// smallestDatagram is a lower bound for the memory that a kernel charges for a
// datagram in a receive buffer.
const smallestDatagram = 64

// Drain ends reads that wait. Later reads return what is queued.
func (c *conn) Drain() error {
	d := &c.drain
	d.mu.Lock()
	defer d.mu.Unlock()
	if c.closed.Load() {
		return net.ErrClosed
	}
	if d.on.Load() {
		return nil
	}
	if !c.shared.Load() {
		bytes, _ := c.Option(kernel.ReadBuffer)
		d.left.Store(int64(bufferDoubling*bytes/smallestDatagram + 1))
	}
	d.on.Store(true)
	d.deadline = time.Unix(1, 0)
	return xnetError(c.udp.SetReadDeadline(d.deadline))
}

// woken reports whether err is that of a read that Drain has ended.
func (c *conn) woken(err error) bool {
	return errors.Is(err, os.ErrDeadlineExceeded) && c.drain.on.Load()
}

// isExhausted reports whether reads may take no more datagrams.
func (d *draining) isExhausted() bool { return d.on.Load() && d.left.Load() <= 0 }

// ended records that the queue is empty.
func (d *draining) ended() error {
	d.left.Store(0)
	return kernel.ErrDrained
}

// receiveQueued is Receive on a socket that drains: it takes what is queued and
// never waits.
func (c *conn) receiveQueued(sink kernel.Sink, once bool) error {
	return kernel.ReceiveQueued(sink, once, c.receiveNow)
}

// TryReceive delivers one queued datagram.
func (c *conn) TryReceive(sink kernel.Sink) error {
	err := c.receiveNow(sink)
	if err != nil && errors.Is(err, syscall.EAGAIN) {
		return nil
	}
	return err
}

// receiveNow delivers one queued datagram. If nothing is queued it returns EAGAIN,
// or ErrDrained on a socket that drains.
func (c *conn) receiveNow(sink kernel.Sink) error {
	for {
		if c.drain.on.Load() && c.drain.left.Add(-1) < 0 {
			return c.drain.ended()
		}
		sink.Room() // there is room for one datagram
		s := borrow()
		var err error
		if s.msg, err = c.recvNow([][]byte{s.block.Bytes()}, s.oob[:], 0); err != nil {
			s.giveBack()
			return c.nothingNow(err)
		}
		accepted := c.accepts(&s.msg)
		if accepted {
			s.deliver(sink)
		}
		s.giveBack()
		if accepted {
			return nil
		}
	}
}

// nothingNow converts the error of a read that does not wait: EAGAIN is ErrDrained
// on a socket that drains.
func (c *conn) nothingNow(err error) error {
	if errors.Is(err, syscall.EAGAIN) && c.drain.on.Load() {
		return c.drain.ended()
	}
	return err
}
