//go:build unix || windows

package portable

import (
	"net"
	"net/netip"
	"sync"

	"golang.org/x/net/ipv4"

	"example.com/dgram/internal/kernel"
	"example.com/dgram/internal/slab"
)

// message is one received datagram.
type message struct {
	n, oobn, flags int
	from           netip.AddrPort
	info
}

// info has the contents of the control messages.
type info struct {
	to      netip.Addr
	index   int // of the interface
	tos     uint8
	ttl     uint8
	foreign bool
}

// oobSize is room for the control messages of a datagram: an IPv4 datagram on a
// dual-stack socket has those of both families.
const oobSize = 256

// scratch is the memory for receiving one datagram. A reader borrows it for one
// datagram, and returns it before it waits.
type scratch struct {
	oob     [oobSize]byte
	block   *slab.Block
	writer  slab.Writer
	msg     message
	packets [1]kernel.Packet
	blocks  [1]*slab.Block
	batch   kernel.Batch
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

func borrow() *scratch {
	s := scratches.Get().(*scratch)
	if s.block == nil {
		s.block = slab.Take()
	}
	return s
}

func (s *scratch) giveBack() {
	s.batch, s.packets[0], s.blocks[0] = kernel.Batch{}, kernel.Packet{}, nil
	scratches.Put(s)
}

// deliver hands the datagram to the sink, which may keep the block.
func (s *scratch) deliver(sink kernel.Sink) {
	m := &s.msg
	s.packets[0] = kernel.Packet{
		Data:          s.block.Bytes()[:m.n:m.n],
		From:          m.from,
		To:            m.to,
		Interface:     m.index,
		TOS:           m.tos,
		TTL:           m.ttl,
		NonUnicastDst: m.foreign,
		Truncated:     m.flags&flagTruncated != 0,
	}
	s.blocks[0] = s.block
	s.batch = kernel.NewBatch(s.packets[:], s.blocks[:], &s.writer)
	sink.Deliver(&s.batch)
	s.block = s.blocks[0]
}

// Receive reads one datagram after the other.
func (c *conn) Receive(sink kernel.Sink, once bool) error {
	for !c.drain.on.Load() {
		s, err := c.next(sink)
		if err != nil {
			if c.woken(err) {
				break
			}
			return err
		}
		accepted := c.accepts(&s.msg)
		if accepted {
			s.deliver(sink)
		}
		s.giveBack()
		if !accepted {
			continue
		}
		if (sink.Idle() || sink.Pending()) && !sink.Wait() || once {
			return nil
		}
	}
	return c.receiveQueued(sink, once)
}

// ReadMsg reads one datagram into b and its control messages into oob.
func (c *conn) ReadMsg(b, oob []byte, p *kernel.Packet) (n, oobn, flags int, err error) {
	m, err := c.readAccepted([][]byte{b}, oob, 0)
	*p = kernel.Packet{From: m.from, To: m.to, Interface: m.index, NonUnicastDst: m.foreign}
	return m.n, m.oobn, m.flags, err
}

// ReadMsgs reads one datagram.
func (c *conn) ReadMsgs(ms []ipv4.Message, flags int) (int, error) {
	if len(ms) == 0 {
		return 0, nil
	}
	m, err := c.readAccepted(ms[0].Buffers, ms[0].OOB, flags)
	if err != nil {
		return 0, err
	}
	ms[0].N, ms[0].NN, ms[0].Flags = m.n, m.oobn, m.flags
	ms[0].Addr = net.UDPAddrFromAddrPort(m.from)
	return 1, nil
}

// readAccepted reads until a datagram is for this socket. If that depends on the
// destination, it provides room for the control message.
func (c *conn) readAccepted(bufs [][]byte, oob []byte, flags int) (message, error) {
	room := oob
	if (c.group.IsValid() || c.knowsTo) && len(oob) < oobSize {
		room = make([]byte, oobSize)
	}
	for {
		m, err := c.readOrDrain(bufs, room, flags)
		if err != nil {
			return message{}, err
		}
		if c.accepts(&m) {
			if len(room) != len(oob) {
				m.oobn = 0
			}
			return m, nil
		}
	}
}

// readOrDrain reads one datagram. On a socket that drains it does not wait.
func (c *conn) readOrDrain(bufs [][]byte, oob []byte, flags int) (message, error) {
	if !c.drain.on.Load() {
		if m, err := c.read(bufs, oob, flags); !c.woken(err) {
			return m, err
		}
	}
	if c.drain.left.Add(-1) < 0 {
		return message{}, c.drain.ended()
	}
	m, err := c.recvNow(bufs, oob, flags)
	return m, c.nothingNow(err)
}

// foreign reports whether an address is a group's or the broadcast address.
func foreign(a netip.Addr) bool {
	return a.IsMulticast() || a == netip.AddrFrom4([4]byte{255, 255, 255, 255})
}
