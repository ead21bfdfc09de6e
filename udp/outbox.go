package udp

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
)

// Outbox returns the queue of datagrams to send without waiting for the result: the
// fastest way to send. Every call returns the same channel; the first binds an
// unbound socket and starts the writer goroutine.
//
// The writer sends what is there, in order and without ever waiting for more:
// datagrams of one destination and size that follow each other go to the kernel as
// one burst (UDP_SEGMENT), and the rest many to a call. Data is the socket's until it
// has been sent. What fails arrives on Errors as [*SendError], and Stats.SendDropped
// counts it.
//
// A datagram with a zero To goes to the peer that the socket had when it was queued.
// Connect and Disconnect send what is queued, as far as the kernel has room; the rest
// fails.
//
// After the end of the socket nothing receives from the channel: select with
// [Socket.Done]. A user who closes the channel ends the queue; what is in it is still
// sent.
func (s *Socket) Outbox() chan<- Datagram { return s.startOutbox().in }

// Flush waits until all that was in the Outbox when it was called has been handed to
// the kernel or has failed, ctx ends or the socket does ([net.ErrClosed]).
func (s *Socket) Flush(ctx context.Context) error {
	if err := s.checkUsable(ctx); err != nil {
		return s.opError("flush", netip.AddrPort{}, err)
	}
	return s.opError("flush", netip.AddrPort{}, s.flush(ctx))
}

// flush is Flush without the shape of its errors.
func (s *Socket) flush(ctx context.Context) error {
	s.mu.Lock()
	o := s.outbox
	s.mu.Unlock()
	if o == nil {
		return nil
	}
	if err := o.wait(ctx, s.lifetime); err != nil {
		return s.closedError(err)
	}
	return nil
}

// SendQueueCount returns how many datagrams are in the Outbox, with its writer, or
// waiting in a Send.
func (s *Socket) SendQueueCount() int {
	n := int(s.sender.waiting.Load())
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.outbox != nil {
		n += len(s.outbox.in) + int(s.outbox.held.Load())
	}
	return n
}

// SendQueueSize returns the size in bytes of those datagrams that are with the writer
// or waiting in a Send. While the kernel has no room the writer takes what is in the
// Outbox, as many datagrams as it may hold ([WithSendQueue]); what is behind them is
// counted, not measured.
func (s *Socket) SendQueueSize() int {
	n := int(s.sender.queued.Load())
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.outbox != nil {
		n += int(s.outbox.heldBytes.Load())
	}
	return n
}

// stranded counts what was put into the Outbox after the writer ended.
func (s *Socket) stranded() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.outbox == nil || !isClosed(s.outbox.ended) {
		return 0
	}
	return uint64(len(s.outbox.in))
}

// outbox is the queue behind Outbox.
type outbox struct {
	in     chan Datagram    // received by the writer alone; only the user may close it
	flush  chan *flush      // from Flush to the writer
	change chan *peerChange // from Connect and Disconnect to the writer
	ended  chan struct{}    // closed when the writer has ended

	held, heldBytes atomic.Int64 // in the writer's batch and not sent yet

	mu      sync.Mutex
	flushes []*flush // in order; a flush whose context is done is removed
}

// startOutbox returns the outbox. The first call makes it, starts the writer and
// binds an unbound socket. If another call is binding the socket, startOutbox does
// not wait for it.
func (s *Socket) startOutbox() *outbox {
	binding := s.endpoint.Load() == nil && s.addrMu.tryLock()
	if binding {
		defer s.addrMu.unlock()
	}
	s.mu.Lock()
	o := s.outbox
	if o != nil {
		s.mu.Unlock()
		return o
	}
	o = &outbox{
		in:     make(chan Datagram, s.cfg.sendQueue),
		flush:  make(chan *flush),
		change: make(chan *peerChange),
		ended:  make(chan struct{}),
	}
	s.outbox = o
	if s.closing {
		close(o.ended)
	} else {
		w := &writer{s: s, o: o, limit: int(s.cfg.sendHeld), change: s.peerChange}
		s.group.Go(w.run)
	}
	s.mu.Unlock()
	if binding && s.endpoint.Load() == nil && !s.ending() {
		if err := s.bindTo(netip.AddrPort{}, netip.AddrPort{}, s.chooseFamily(netip.Addr{}), ""); err != nil && !s.ending() {
			s.report(err) // the writer tries again
		}
	}
	return o
}

// flush is a Flush that waits until the writer has dealt with so many datagrams.
type flush struct {
	after   uint64
	done    chan struct{}
	givenUp bool // guarded by outbox.mu
}

// wait waits until the writer has sent what is in the queue now.
func (o *outbox) wait(ctx context.Context, ended *lifetime) error {
	f := &flush{done: make(chan struct{})}
	select {
	case o.flush <- f:
	case <-o.ended:
		return ended.errIfEnded()
	case <-ctx.Done():
		return ctx.Err()
	case <-ended.done:
		return net.ErrClosed
	}
	select {
	case <-f.done:
		return nil
	case <-o.ended:
		return ended.errIfEnded()
	case <-ctx.Done():
		o.forget(f)
		return ctx.Err()
	}
}

// forget removes a flush that was given up.
func (o *outbox) forget(f *flush) {
	o.mu.Lock()
	defer o.mu.Unlock()
	f.givenUp = true // the writer may have it, and not have added it yet
	o.flushes = slices.DeleteFunc(o.flushes, func(other *flush) bool { return other == f })
}

// addFlush registers a Flush of what is in the queue now.
func (w *writer) addFlush(f *flush) {
	f.after = w.taken + uint64(len(w.o.in))
	w.o.mu.Lock()
	defer w.o.mu.Unlock()
	if !f.givenUp {
		w.o.flushes = append(w.o.flushes, f)
		w.flushing = true
	}
}

// completeFlushes answers the flushes whose datagrams were dealt with.
func (w *writer) completeFlushes() {
	if !w.flushing || len(w.batch) > 0 {
		return
	}
	w.o.mu.Lock()
	defer w.o.mu.Unlock()
	list := w.o.flushes
	for len(list) > 0 && list[0].after <= w.taken {
		close(list[0].done)
		list = list[1:]
	}
	if w.o.flushes = list; len(list) == 0 {
		w.o.flushes, w.flushing = nil, false
	}
}
