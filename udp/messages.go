package udp

import (
	"net/netip"
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
	TOS       uint8          // IPv4 TOS or IPv6 traffic class (DSCP<<2 | ECN), with WithTOS
	Truncated bool           // longer than WithMaxDatagram; Data holds the beginning

	foreign bool // To is a group's or a broadcast address: no reply leaves from it
	slot    uint32
	life    *slab.Life
}

// Release gives the bytes of Data back for reuse. It is optional, and only for
// speed: what is not released is garbage collected. After Release the bytes
// must not be touched; a second call, on a copy of m too, does nothing. Under
// the build tag dgram_debug released bytes are overwritten, so that a test
// notices who still reads them.
func (m Message) Release() {
	if m.life != nil {
		m.life.Release(m.slot)
	}
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
// When nobody receives, the socket stops reading and datagrams wait in the
// kernel's buffer; once that is full the kernel drops new ones, and
// Stats.DroppedKernel counts them. [WithOverflow] chooses otherwise.
//
// If the socket is read in another way already, the channel is closed and
// [ErrReading] is on Errors.
func (s *Socket) Messages() <-chan Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.inbox.messages != nil {
		return s.inbox.messages
	}
	if !s.inbox.claim(readByMessages) || s.finishing {
		if !s.finishing {
			s.report(s.opError("read", netip.AddrPort{}, ErrReading))
		}
		if s.inbox.closed == nil {
			s.inbox.closed = make(chan Message)
			close(s.inbox.closed)
		}
		return s.inbox.closed
	}
	s.inbox.messages = make(chan Message, s.cfg.messageBuffer)
	s.startReaders(s.endpoint.Load())
	return s.inbox.messages
}

// An inbox is who reads the socket, and how.
type inbox struct {
	by       readBy
	messages chan Message // sent to by the readers, closed once by finish
	closed   chan Message // for callers who may not read
	running  bool
	plain    bool      // no receive offload: others read the descriptor
	overflow *overflow // for a policy that drops
	pull     *puller   // for All
}

type readBy uint8

const (
	readByNobody readBy = iota
	readByMessages
	readByAll
	readByView
)

// claim takes the stream for one way of reading. The first has it.
func (i *inbox) claim(by readBy) bool {
	if i.by == readByNobody {
		i.by = by
	}
	return i.by == by
}

// startReaders starts the readers once there is both a channel and a socket.
// The caller holds mu.
func (s *Socket) startReaders(ep *endpoint) {
	if ep == nil || s.inbox.messages == nil || s.inbox.running || s.finishing {
		return
	}
	s.inbox.running = true
	if s.overflow() != Block {
		s.inbox.overflow = new(overflow)
	}
	s.startOffload(ep)
	for _, conn := range ep.conns {
		r := s.newReader(conn, s.inbox.messages)
		s.group.Go(r.run)
	}
}

// startOffload turns receive offload on when reading begins, not before: the
// view of PacketConn must never find a burst in the buffer.
func (s *Socket) startOffload(ep *endpoint) {
	if s.inbox.plain || s.cfg.offload == no {
		return
	}
	for _, conn := range ep.conns {
		_ = conn.SetOffload(true) // where the kernel lacks it, datagrams come one by one
	}
}

// shareOffload turns receive offload off for good, because somebody else may
// read the descriptor.
func (s *Socket) shareOffload(ep *endpoint) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inbox.plain = true
	for _, conn := range ep.conns {
		_ = conn.SetOffload(false)
	}
}

// blocked tells whether a list contains an address, whatever its zone.
func (s *Socket) blocked(list BlockList, a netip.Addr) bool {
	return list != nil && list.Contains(a.WithZone(""))
}

var _ kernel.Sink = (*reader)(nil)
