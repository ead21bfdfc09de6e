package sim

import (
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/net/ipv4"

	"example.com/dgram/internal/host"
	"example.com/dgram/internal/kernel"
	"example.com/dgram/internal/posix"
	"example.com/dgram/internal/slab"
)

const (
	batchSize   = 16
	maxSegments = 64
	maxBurst    = 65000
)

// ready says why a read cannot go on, or that an error is pending. The deadline
// ends a read that has not waited yet. The caller holds the mutex.
func (c *Conn) ready(waited bool) error {
	c.sift()
	switch {
	case c.closed:
		return net.ErrClosed
	case c.draining && c.queue.len() == 0 && c.pending == 0:
		return kernel.ErrDrained
	case !waited && c.expired():
		return os.ErrDeadlineExceeded
	}
	return c.tellPending()
}

// expired reports whether the read deadline has passed.
func (c *Conn) expired() bool {
	return !c.draining && !c.deadline.IsZero() && !time.Now().Before(c.deadline)
}

// tellPending is kernel.ErrPending where an error is. What there is to read comes
// first.
func (c *Conn) tellPending() error {
	if c.pending == 0 || c.queue.len() > 0 {
		return nil
	}
	if !c.cfg.ICMPErrors {
		c.refusals = append(c.refusals, kernel.Refusal{Errno: c.pending})
	}
	c.pending = 0
	return kernel.ErrPending
}

// takePending takes the error that ICMP left.
func (c *Conn) takePending(name string) error {
	errno := c.pending
	if errno == 0 {
		return nil
	}
	c.pending = 0
	return call(name, errno)
}

// await waits until take has taken something. What comes at the instant of the
// deadline is taken by a read that waits, whichever wakes it.
func (c *Conn) await(take func() bool) error {
	for waited := false; ; waited = true {
		c.host.n.lock()
		err := c.ready(waited)
		taken := err == nil && take()
		if err == nil && !taken && c.expired() {
			err = os.ErrDeadlineExceeded
		}
		if taken || err != nil && err != net.ErrClosed && err != os.ErrDeadlineExceeded {
			c.calls.Read++
		}
		c.host.n.unlock()
		if taken || err != nil {
			return err
		}
		<-c.wake
	}
}

// readable reports whether a read would find something now.
func (c *Conn) readable() bool {
	c.host.n.lock()
	defer c.host.n.unlock()
	c.sift()
	return c.queue.len() > 0
}

// scratch is the memory of one receive call.
type scratch struct {
	items   []received // in one packet: consecutive
	sizes   [batchSize]int
	packets [batchSize]kernel.Packet
	blocks  [batchSize]*slab.Block
	copies  slab.Writer
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// Receive reads until the sink has enough.
func (c *Conn) Receive(s kernel.Sink, once bool) error {
	for {
		if !c.readable() {
			if s.Idle() && !s.Wait() {
				return nil
			}
		}
		w := scratches.Get().(*scratch)
		count, room := 0, min(max(s.Room(), 1), batchSize)
		err := c.await(func() bool {
			count = c.gather(w, room)
			return count > 0
		})
		if err != nil {
			scratches.Put(w)
			return err
		}
		w.deliver(c, s, count)
		scratches.Put(w)
		if s.Pending() && !s.Wait() || once {
			return nil
		}
	}
}

// gather takes up to n packets out of the receive buffer.
func (c *Conn) gather(w *scratch, n int) (count int) {
	w.items = w.items[:0]
	for count < n && c.queue.len() > 0 {
		first := c.queue.take()
		w.items = append(w.items, first)
		size, total := 1, len(first.data)
		for c.offload && size < maxSegments && c.queue.len() > 0 {
			next := c.queue.first()
			if !next.follows(&first) || len(next.data) > len(first.data) || total+len(next.data) > maxBurst {
				break
			}
			w.items = append(w.items, c.queue.take())
			size++
			if total += len(next.data); len(w.items[len(w.items)-1].data) < len(first.data) {
				break
			}
		}
		w.sizes[count] = size
		count++
	}
	return count
}

// deliver hands what was gathered to a sink. No lock is held.
func (w *scratch) deliver(c *Conn, s kernel.Sink, count int) {
	rest := w.items
	for i := range count {
		items := rest[:w.sizes[i]]
		rest = rest[w.sizes[i]:]
		if w.blocks[i] == nil {
			w.blocks[i] = slab.Take()
		}
		data := w.blocks[i].Window(i)[:0]
		for k := range items {
			data = append(data, items[k].data...)
		}
		w.packets[i] = c.packet(&items[0], data)
		if len(items) > 1 {
			w.packets[i].Segment = len(items[0].data)
		}
	}
	clear(w.items)
	batch := kernel.NewBatch(w.packets[:count], w.blocks[:], &w.copies)
	s.Deliver(&batch)
	clear(w.packets[:count])
}

// packet is the datagram with what the socket was told to say of it.
func (c *Conn) packet(r *received, data []byte) kernel.Packet {
	p := kernel.Packet{Data: data, From: r.from}
	if c.cfg.PacketInfo != kernel.Off {
		p.To, p.Interface, p.NonUnicastDst = r.to, r.in, r.different
	}
	if c.cfg.Timestamps {
		p.Time = r.at
	}
	if c.cfg.ReceiveTOS {
		p.TOS = r.tos
	}
	if c.cfg.ReceiveTTL {
		p.TTL = r.ttl
	}
	return p
}

// ReadMsg reads one datagram into b. Control messages are the socket's affair:
// oob stays empty.
func (c *Conn) ReadMsg(b, oob []byte, p *kernel.Packet) (n, oobn, flags int, err error) {
	var r received
	err = c.await(func() bool {
		if c.queue.len() == 0 {
			return false
		}
		r = c.queue.take()
		return true
	})
	if err != nil {
		return 0, 0, 0, err
	}
	if n = copy(b, r.data); n < len(r.data) {
		flags = host.MsgTrunc
	}
	*p = c.packet(&r, nil)
	return n, 0, flags, nil
}

// ReadMsgs reads what is there, at least one datagram, into ms.
func (c *Conn) ReadMsgs(ms []ipv4.Message, flags int) (n int, err error) {
	if len(ms) == 0 {
		return 0, nil
	}
	var got []received
	empty := false
	err = c.await(func() bool {
		for c.queue.len() > 0 && len(got) < len(ms) {
			got = append(got, c.queue.take())
		}
		empty = len(got) == 0
		return !empty || flags&host.MsgDontWait != 0
	})
	if err == nil && empty {
		err = os.NewSyscallError("recvmmsg", posix.EAGAIN)
	}
	for i := range got {
		scatter(&ms[i], &got[i])
	}
	return len(got), err
}

// scatter fills a message's buffers.
func scatter(m *ipv4.Message, r *received) {
	rest := r.data
	m.N, m.NN, m.Flags = 0, 0, 0
	for _, b := range m.Buffers {
		n := copy(b, rest)
		rest, m.N = rest[n:], m.N+n
	}
	if len(rest) > 0 {
		m.Flags = host.MsgTrunc
	}
	m.Addr = kernel.UDPAddr(r.from)
}
