package udp

import (
	"context"
	"net/netip"
	"sync/atomic"
	"time"
)

// Drain ends the receiving of a socket gracefully.
//
// The socket stops hearing: from then on what others send reaches nobody, without an
// ICMP error, or the other sockets that share the port (SO_REUSEPORT). What the socket has read
// and what lies in the kernel's buffer is still delivered. Then Messages and
// Errors are closed, All ends, and Receive returns [ErrDrained], which is
// net.ErrClosed too. Drain also flushes the Outbox. Sending works on until
// Close, so that the last questions are answered:
//
//	interrupted, stop := signal.NotifyContext(context.Background(), os.Interrupt)
//	defer stop()
//	<-interrupted.Done()
//	if err := s.Drain(ctx); err != nil { // the loop over Messages goes on meanwhile, and ends
//		log.Print(err)
//	}
//	s.Close()
//
// Drain returns nil when a receiver has taken the stream to its end, ctx's error
// if that comes first, and net.ErrClosed if the socket closes meanwhile. After
// ctx's error the socket stays deaf; another Drain goes on waiting, and Close
// counts the rest (Stats.DroppedClosed). A ctx that is done before leaves the
// socket as it was. On an unbound socket Drain closes the channels and returns
// nil.
//
// Afterwards Bind, Connect, Disconnect and multicast.Join are net.ErrClosed.
// Done stays open and Err is nil until Close.
//
// DroppedKernel is frozen when Drain begins: what arrives later is not counted.
// A descriptor that others hold (File, UDPConn, FromFile, SyscallConn,
// WithControl) is left alone: what was already read is delivered, and nothing
// more is read. On systems other than Linux, and where a filter of the program's own is
// locked, the socket cannot become deaf: about as many datagrams are read as may have
// been queued when Drain began, and some of them may have arrived later.
func (s *Socket) Drain(ctx context.Context) error {
	if err := s.checkUsable(ctx); err != nil {
		return s.opError("drain", netip.AddrPort{}, err)
	}
	d := s.beginDrain()
	if d == nil {
		return s.opError("drain", netip.AddrPort{}, s.endError())
	}
	if isClosed(d.done) {
		return nil
	}
	select {
	case <-d.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-s.lifetime.done:
		return s.opError("drain", netip.AddrPort{}, s.endError())
	}
}

// draining is the state of a socket on which Drain was called.
type draining struct {
	ended atomic.Bool   // the stream has ended
	done  chan struct{} // closed when the stream has been taken to its end and the Outbox is flushed
}

// beginDrain starts the goroutine that drains the socket, once. It returns nil
// if the socket is closing.
func (s *Socket) beginDrain() *draining {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d := s.draining.Load(); d != nil {
		return d
	}
	if s.closing {
		return nil
	}
	d := &draining{done: make(chan struct{})}
	s.draining.Store(d)
	s.drainBegun.set(true)
	s.group.Go(func() error {
		s.drain(d)
		return nil
	})
	return d
}

// drain makes the socket deaf and waits until a receiver has taken the rest.
func (s *Socket) drain(d *draining) {
	if !s.addrMu.lock(nil, s.lifetime.done) { // a Bind or Connect that is under way ends first
		return
	}
	ep := s.endpoint.Load()
	s.addrMu.unlock()
	if ep != nil {
		for _, conn := range ep.conns {
			if err := conn.Drain(); err != nil {
				s.report(s.opError("drain", netip.AddrPort{}, err))
			}
		}
	}
	// No channel tells when the last message was taken from Messages, or when
	// the last datagram was read by others. So the goroutine looks again and again.
	for pause := 100 * time.Microsecond; !s.streamTaken(ep); pause = min(2*pause, 10*time.Millisecond) {
		if s.sleep(pause, nil) != nil {
			return
		}
	}
	s.endStream()
	if s.flush(context.Background()) == nil {
		close(d.done)
	}
}

// streamTaken reports whether a receiver has taken all that there will ever be.
func (s *Socket) streamTaken(ep *endpoint) bool {
	s.mu.Lock()
	mode, messages := s.receive.mode, s.receive.messages
	s.mu.Unlock()
	switch mode {
	case readByMessages:
		if s.receive.readers.Load() > 0 {
			return false
		}
		s.endStream() // the receiver's loop ends behind the last message
		return len(messages) == 0
	case readByCalls:
		return s.receive.stream.Load().exhausted(ep)
	}
	return !ep.queued()
}

// exhausted reports whether nothing is left for calls to take.
func (st *stream) exhausted(ep *endpoint) bool {
	if !st.tryLock() {
		return false
	}
	defer st.turn.unlock()
	if len(st.news) > 0 || st.pending() {
		return false
	}
	return st.drained || !ep.queued()
}

// queued reports whether a datagram lies in the kernel's buffer.
func (ep *endpoint) queued() bool {
	if ep == nil {
		return false
	}
	for _, conn := range ep.conns {
		if conn.Queued() {
			return true
		}
	}
	return false
}

// endStream closes Messages and Errors. Nothing is sent to them any more.
func (s *Socket) endStream() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.receive.ended {
		return
	}
	s.receive.ended = true
	if d := s.draining.Load(); d != nil {
		d.ended.Store(true)
	}
	if s.receive.overflow != nil {
		s.receive.overflow.close(s)
	}
	if s.receive.messages != nil {
		close(s.receive.messages)
	}
	s.errors.close()
}

// streamEnded reports whether there is nothing more to read from the kernel.
func (s *Socket) streamEnded() bool {
	if s.ending() {
		return true
	}
	d := s.draining.Load()
	return d != nil && d.ended.Load()
}

// receiveError returns why there is nothing to receive, or nil.
func (s *Socket) receiveError() error {
	switch {
	case s.ending():
		return s.endError()
	case s.draining.Load() != nil:
		return ErrDrained
	}
	return nil
}
