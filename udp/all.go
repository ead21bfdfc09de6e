package udp

import (
	"context"
	"errors"
	"iter"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"example.com/dgram/internal/kernel"
)

// All is the stream of datagrams without a channel: the loop reads the socket
// itself, which is cheaper by a hop and wakes no other goroutine.
//
//	for m, err := range s.All(ctx) {
//		if err != nil {
//			log.Print(err) // soft: the loop goes on
//			continue
//		}
//		s.Reply(ctx, m, m.Data)
//	}
//
// It yields every datagram, and every soft error with a zero Message; these do
// not go to Errors as well. It ends when ctx ends or the socket does, and
// yields nothing for that: ask ctx.Err and [Socket.Err]. On an unbound socket
// it waits for the bind.
//
// What was read in one call is in Stats.Received once the first of it is handed
// to the loop; what the loop leaves is taken back.
//
// Leaving the loop loses nothing: what was already read comes first the next
// time. A second loop at the same time yields [ErrReading], as does one on a
// socket that is read in another way; with [WithReaders] it is
// errors.ErrUnsupported.
func (s *Socket) All(ctx context.Context) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		p, err := s.puller(ctx)
		if err != nil {
			yield(Message{}, s.opError("read", netip.AddrPort{}, err))
		}
		if p == nil {
			return
		}
		defer p.finish(s)
		select {
		case <-s.listening.channel():
		case <-ctx.Done():
			return
		case <-s.life.done:
			return
		}
		p.loop(s, ctx, yield)
	}
}

// A puller is the state of All between loops.
type puller struct {
	mu   sync.Mutex // held while a loop runs
	r    *reader
	next int // of r.pending

	paid, paidBytes int // what is counted as received and not handed over
}

// puller lets one loop in. There is none, and no error, when the end of the
// socket is about to count what is left.
func (s *Socket) puller(ctx context.Context) (*puller, error) {
	switch {
	case ctx == nil:
		return nil, errNilContext
	case s.cfg.readers > 1:
		return nil, errors.ErrUnsupported
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.inbox.claim(readByAll) {
		return nil, ErrReading
	}
	if s.inbox.pull == nil {
		s.inbox.pull = new(puller)
	}
	if !s.inbox.pull.mu.TryLock() {
		if s.over() {
			return nil, nil
		}
		return nil, ErrReading
	}
	return s.inbox.pull, nil
}

// finish leaves what was read and not yielded to the next loop; after the end
// of the socket there is none.
func (p *puller) finish(s *Socket) {
	s.count.unreceive(p.paid, p.paidBytes)
	p.paid, p.paidBytes = 0, 0
	p.mu.Unlock()
	if s.over() {
		p.abandon(s)
	}
}

// abandon counts what no loop will yield. A loop that runs does it itself, when
// it has let go of mu: either sees that the other was too early.
func (p *puller) abandon(s *Socket) {
	if !p.mu.TryLock() {
		return
	}
	defer p.mu.Unlock()
	p.drop(s)
}

func (p *puller) drop(s *Socket) {
	if p.r == nil {
		return
	}
	p.r.abandon(p.next)
	p.next = 0
}

func (p *puller) loop(s *Socket, ctx context.Context, yield func(Message, error) bool) {
	conn := s.endpoint.Load().conns[0]
	if p.r == nil {
		p.r = s.newReader(conn, nil)
		s.mu.Lock()
		s.startOffload(s.endpoint.Load())
		s.mu.Unlock()
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetReadDeadline(time.Unix(1, 0)) })
	defer func() {
		if !stop() && !s.over() {
			_ = conn.SetReadDeadline(time.Time{})
		}
	}()
	var errs patience
	for {
		if !p.yield(s, ctx, yield) {
			return
		}
		err := conn.Receive(p.r, true)
		if s.over() && len(p.r.pending) == 0 || ctx.Err() != nil {
			return
		}
		switch {
		case err == nil:
			errs = patience{}
		case errors.Is(err, os.ErrDeadlineExceeded):
			_ = conn.SetReadDeadline(time.Time{}) // an earlier loop's context, ending late
		case errors.Is(err, net.ErrClosed):
			return
		default:
			if !p.soft(s, ctx, conn, err, &errs, yield) {
				return
			}
		}
	}
}

// yield hands over what was read. False ends the loop.
func (p *puller) yield(s *Socket, ctx context.Context, yield func(Message, error) bool) bool {
	r := p.r
	p.pay(s)
	for ; p.next < len(r.pending); p.next++ {
		for u := &r.pending[p.next]; u.left > 0; {
			if ctx.Err() != nil {
				return false
			}
			m := u.head
			u.advance()
			p.paid--
			p.paidBytes -= len(m.Data)
			if !yield(m, nil) {
				return false
			}
		}
	}
	r.pending, p.next = r.pending[:0], 0
	return !s.over() && ctx.Err() == nil
}

// pay counts what was read in one go: a counter that others may read at any
// time is dear. What the loop leaves, finish takes back.
func (p *puller) pay(s *Socket) {
	for i := p.next; i < len(p.r.pending); i++ {
		u := &p.r.pending[i]
		p.paid += u.left
		p.paidBytes += u.bytes(u.left)
	}
	s.count.receive(p.paid, p.paidBytes)
}

// soft yields an error of the kernel's, as readError reports it to Errors. What
// the loop leaves before it has seen goes there.
func (p *puller) soft(s *Socket, ctx context.Context, conn kernel.Conn, err error, errs *patience, yield func(Message, error) bool) bool {
	var news []error
	if refused(err) {
		news, _ = s.refusals(conn, err)
		s.bear(errs, ctx.Done())
	} else {
		if fatal := s.endure(err, errs, ctx.Done()); fatal != nil {
			s.kill(fatal)
			return false
		}
		news = []error{s.opError("read", netip.AddrPort{}, err)}
	}
	for i, err := range news {
		s.errors.count()
		if !yield(Message{}, err) {
			for _, unseen := range news[i+1:] {
				s.report(unseen)
			}
			return false
		}
	}
	return true
}
