package udp

import (
	"bytes"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"example.com/dgram/internal/kernel"
	"example.com/dgram/internal/slab"
)

// A Message is one datagram that was received.
type Message struct {
	Data      []byte         // the payload; the receiver's to keep and to change
	From      netip.AddrPort // the sender: IPv4 as IPv4, zone set for link-local
	To        netip.Addr     // the address it was sent to, where known
	Interface int            // index of the interface it came in on, 0 where unknown
	Time      time.Time      // the kernel's receive time, with WithTimestamps
	TOS       uint8          // IPv4 TOS or IPv6 traffic class (DSCP<<2 | ECN), with WithReceiveTOS
	TTL       uint8          // hop limit it arrived with, with WithReceiveTTL
	Truncated bool           // longer than WithMaxDatagram; Data holds the beginning

	tag   uint32
	block *slab.Block // nil where nothing is to be released
}

// Release gives the bytes of Data back for reuse. It is optional, and only for
// speed: what is not released is garbage collected. After Release the bytes
// must not be touched; a second call, on a copy of m too, does nothing. Under
// the build tag dgram_debug released bytes are overwritten, so that a test
// notices a use after Release.
func (m Message) Release() {
	if m.block != nil {
		m.block.Release(m.tag)
	}
}

// Clone returns a copy of m whose Data is its own allocation, to keep for long: m may
// share memory with other messages. Release of the copy does nothing.
func (m Message) Clone() Message {
	m.Data = slices.Clip(bytes.Clone(m.Data))
	m.tag, m.block = 0, nil
	return m
}

// Reply returns a datagram with the payload data from m.To to m.From, for SendBatch and
// the Outbox. As with [Socket.Reply], the system chooses the source where the kernel
// refuses m.To. On a connected socket, clear To and From.
func (m Message) Reply(data []byte) Datagram {
	from, index := m.replySource()
	return Datagram{Data: data, To: m.From, From: from, Interface: index, anySource: true}
}

// Messages returns the channel on which the socket delivers what it receives.
// Every call returns the same channel.
//
// The first call starts the socket's reader goroutines, one for each kernel
// socket; until then, and until the socket is bound, datagrams wait in the
// kernel's buffer. The socket is the channel's only sender and closes it when
// it ends; [Socket.Err] then says why. What was received before the end can
// still be received after it.
//
// While the channel is full, the socket stops reading and datagrams wait in the
// kernel's buffer; once that is full the kernel drops new ones, and
// Stats.DroppedKernel counts them. [WithOverflow] chooses otherwise.
//
// If the socket is read in another way already, the channel is closed and
// [ErrReading] is on Errors.
func (s *Socket) Messages() <-chan Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.receive.messages != nil {
		return s.receive.messages
	}
	if s.receive.ended || s.closing || !s.receive.claim(readByMessages) {
		if !s.receive.ended && !s.closing {
			s.report(s.opError("read", netip.AddrPort{}, ErrReading))
		}
		if s.receive.closed == nil {
			s.receive.closed = make(chan Message)
			close(s.receive.closed)
		}
		return s.receive.closed
	}
	s.receive.messages = make(chan Message, s.cfg.messageBuffer)
	_ = s.readDeadline.setUser(time.Time{})
	s.startReaders(s.endpoint.Load())
	return s.receive.messages
}

// receiveState records which of Messages, All and PacketConn reads the socket.
type receiveState struct {
	mode      readMode
	messages  chan Message // sent to by the readers, closed once by finish
	closed    chan Message // for callers when the stream is read in another way
	running   bool
	ended     bool                   // Messages and Errors are closed
	readers   atomic.Int32           // reader goroutines that run
	reader    *reader                // of the channel, where it is the only one
	noOffload bool                   // no receive offload: others read the descriptor
	overflow  *overflow              // for a policy that drops
	stream    atomic.Pointer[stream] // for All, Receive, ReceiveBatch and TryReceive
	refused   atomic.Bool            // TryReceive has reported why it cannot read
}

type readMode uint8

const (
	unread readMode = iota
	readByMessages
	readByCalls
	readByView
)

// claim takes the stream for one way of reading. The first has it.
func (i *receiveState) claim(by readMode) bool {
	if i.mode == unread {
		i.mode = by
	}
	return i.mode == by
}

// startReaders starts the readers once there is both a channel and a socket.
// The caller holds mu.
func (s *Socket) startReaders(ep *endpoint) {
	if ep == nil || s.receive.messages == nil || s.receive.running || s.closing {
		return
	}
	s.receive.running = true
	if s.overflow() != OverflowBlock {
		s.receive.overflow = new(overflow)
	}
	s.startOffload(ep)
	s.receive.readers.Store(int32(len(ep.conns)))
	for _, conn := range ep.conns {
		r := s.newReader(conn, s.receive.messages)
		if r.alone {
			r.sifts = make(chan chan<- struct{}, 1)
			s.receive.reader = r
		}
		s.group.Go(r.run)
	}
}

// startOffload turns receive offload on when reading begins, not before: the
// view of PacketConn must never find a burst in the buffer.
func (s *Socket) startOffload(ep *endpoint) {
	if s.receive.noOffload || s.cfg.offload == off {
		return
	}
	for _, conn := range ep.conns {
		_ = conn.SetOffload(true) // where the kernel lacks it, datagrams come one by one
	}
}

// shareOffload turns receive offload off until the socket ends, because other code may
// read the descriptor.
func (s *Socket) shareOffload(ep *endpoint) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.receive.noOffload = true
	for _, conn := range ep.conns {
		_ = conn.SetOffload(false)
	}
}

var _ kernel.Sink = (*reader)(nil)
