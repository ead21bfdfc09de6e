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
		p, err := s.iterator(ctx)
		if err != nil {
			yield(Message{}, s.opError("read", netip.AddrPort{}, err))
		}
		if p == nil {
			return
		}
		defer p.release(s)
		select {
		case <-s.listening.done():
		case <-ctx.Done():
			return
		case <-s.lifetime.done:
			return
		}
		p.loop(s, ctx, yield)
	}
}

// iterator is the state of All between loops.
type iterator struct {
	mu   sync.Mutex // held while a loop runs
	r    *reader
	next int // of r.pending

	precounted, precountedBytes int // counted as received and not yielded yet
}

// iterator locks and returns the state of All. It returns nil, nil if teardown
// holds the lock.
func (s *Socket) iterator(ctx context.Context) (*iterator, error) {
	switch {
	case ctx == nil:
		return nil, errNilContext
	case s.cfg.readers > 1:
		return nil, errors.ErrUnsupported
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.receive.claim(readByAll) {
		return nil, ErrReading
	}
	if s.receive.iterator == nil {
		s.receive.iterator = new(iterator)
	}
	if !s.receive.iterator.mu.TryLock() {
		if s.ending() {
			return nil, nil
		}
		return nil, ErrReading
	}
	return s.receive.iterator, nil
}

// release ends a loop. What was read and not yielded is for the next loop; after
// the end of the socket it is counted.
func (p *iterator) release(s *Socket) {
	s.count.unreceive(p.precounted, p.precountedBytes)
	p.precounted, p.precountedBytes = 0, 0
	p.mu.Unlock()
	if s.ending() {
		p.countUndelivered(s)
	}
}

// countUndelivered counts what no loop will yield. If a loop holds mu it counts
// on exit; release and countUndelivered both check ended after unlocking, so one
// of them always counts.
func (p *iterator) countUndelivered(s *Socket) {
	if !p.mu.TryLock() {
		return
	}
	defer p.mu.Unlock()
	p.countPending(s)
}

func (p *iterator) countPending(s *Socket) {
	if p.r == nil {
		return
	}
	p.r.countUndelivered(p.next)
	p.next = 0
}

func (p *iterator) loop(s *Socket, ctx context.Context, yield func(Message, error) bool) {
	conn := s.endpoint.Load().conns[0]
	if p.r == nil {
		p.r = s.newReader(conn, nil)
		s.mu.Lock()
		s.startOffload(s.endpoint.Load())
		s.mu.Unlock()
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetReadDeadline(time.Unix(1, 0)) })
	defer func() {
		if !stop() && !s.ending() {
			_ = conn.SetReadDeadline(time.Time{})
		}
	}()
	var errs readBackoff
	for {
		if !p.yield(s, ctx, yield) {
			return
		}
		err := conn.Receive(p.r, true)
		if s.ending() && len(p.r.pending) == 0 || ctx.Err() != nil {
			return
		}
		switch {
		case err == nil:
			errs = readBackoff{}
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
func (p *iterator) yield(s *Socket, ctx context.Context, yield func(Message, error) bool) bool {
	r := p.r
	p.countBatch(s)
	for ; p.next < len(r.pending); p.next++ {
		for u := &r.pending[p.next]; u.left > 0; {
			if ctx.Err() != nil {
				return false
			}
			m := u.head
			u.next()
			p.precounted--
			p.precountedBytes -= len(m.Data)
			if !yield(m, nil) {
				return false
			}
		}
	}
	r.pending, p.next = r.pending[:0], 0
	return !s.ending() && ctx.Err() == nil
}

// countBatch counts what was read in one go. Counting per batch avoids two atomic
// adds for each datagram. release subtracts what was not yielded.
func (p *iterator) countBatch(s *Socket) {
	for i := p.next; i < len(p.r.pending); i++ {
		u := &p.r.pending[i]
		p.precounted += u.left
		p.precountedBytes += u.bytes(u.left)
	}
	s.count.receive(p.precounted, p.precountedBytes)
}

// soft yields an error of the kernel's, as readError reports it to Errors. What
// the loop leaves before it has seen goes there.
func (p *iterator) soft(s *Socket, ctx context.Context, conn kernel.Conn, err error, errs *readBackoff, yield func(Message, error) bool) bool {
	var found []error
	if isICMPError(err) {
		found, _ = s.takeICMPErrors(conn, err)
		s.afterRefusal(errs, ctx.Done())
	} else {
		if fatal := s.afterError(err, errs, ctx.Done()); fatal != nil {
			s.shutdown(fatal)
			return false
		}
		found = []error{s.opError("read", netip.AddrPort{}, err)}
	}
	for i, err := range found {
		s.errors.count()
		if !yield(Message{}, err) {
			for _, unseen := range found[i+1:] {
				s.report(unseen)
			}
			return false
		}
	}
	return true
}
