package udp

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"syscall"

	"example.com/dgram/internal/kernel"
)

// A Datagram is an outgoing UDP datagram.
type Datagram struct {
	Data      []byte         // the payload; in the Outbox, the socket's until it has been sent
	To        netip.AddrPort // zero on a connected socket
	From      netip.Addr     // source address to send from; zero lets the system choose
	Interface int            // index of the outgoing interface; 0 lets the system choose
	TOS       uint8          // TOS or traffic class of this datagram; 0 is the socket's
	TTL       uint8          // hop limit of this datagram; 0 is the socket's
}

// Outbox returns the channel of what is to be sent and forgotten: the fastest
// way to send. Every call returns the same channel; the first binds an unbound
// socket and starts the writer goroutine.
//
// The writer sends what is there, in order and without ever waiting for more:
// datagrams of one destination and size that follow each other go to the
// kernel as one burst (UDP_SEGMENT), and the rest many to a call. Data is the
// socket's until it has been sent. What fails arrives on Errors as
// [*SendError], and Stats.SendDropped counts it.
//
// After the end of the socket nobody receives: select with [Socket.Done]. Who
// closes the channel ends the queue; what is in it is still sent.
func (s *Socket) Outbox() chan<- Datagram { return s.startOutbox().in }

// Flush waits until all that was in the Outbox when it was called has been
// handed to the kernel or has failed, ctx ends or the socket does
// ([net.ErrClosed]).
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

// SendQueueCount is how many datagrams are in the Outbox, in the writer's hand
// or waiting in a Send.
func (s *Socket) SendQueueCount() int {
	n := int(s.waiting.Load())
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.outbox != nil {
		n += len(s.outbox.in) + int(s.outbox.held.Load())
	}
	return n
}

// SendQueueSize is the size in bytes of those of them that are in the writer's
// hand or waiting in a Send. While the kernel has no room the writer takes in hand
// what is in the Outbox, as many datagrams as it has room for ([WithSendQueue], at
// least 256); what is behind them is counted, not measured.
func (s *Socket) SendQueueSize() int {
	n := int(s.queued.Load())
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.outbox != nil {
		n += int(s.outbox.heldBytes.Load())
	}
	return n
}

// SendBatch sends datagrams in order, as the Outbox does but in the caller's
// goroutine: it returns when the kernel has them all, or with the index of the
// one that failed and why. It waits as [Socket.Send] does.
func (s *Socket) SendBatch(ctx context.Context, ds []Datagram) (sent int, err error) {
	if err := s.checkUsable(ctx); err != nil {
		return 0, s.opError("send", netip.AddrPort{}, err)
	}
	if len(ds) == 0 {
		return 0, nil
	}
	ep := s.endpoint.Load()
	if ep == nil {
		if err := s.checkDatagram(nil, &ds[0]); err != nil {
			return 0, s.opError("send", ds[0].To, err)
		}
		if ep, err = s.autoBindFor(ctx, "send", ds[0].To.Addr()); err != nil {
			return 0, err
		}
	}
	b := batches.Get().(*[]kernel.Datagram)
	defer putBatch(b)
	for sent < len(ds) {
		list, bad := (*b)[:0], error(nil)
		for i := sent; i < len(ds) && len(list) < maxBatch; i++ {
			if bad = s.checkDatagram(ep, &ds[i]); bad != nil {
				break
			}
			list = append(list, ds[i].kernel())
		}
		if len(list) > len(*b) {
			*b = list // as long as it ever was, for putBatch to clear
		}
		n, err := s.sendAll(ep.conns[0], list, func(i int) error {
			return s.sendQueued(ep.conns[0], &list[i], nil, ctx.Done())
		}, func(int) {})
		sent += n
		switch {
		case err == kernel.ErrStopped:
			return sent, ctx.Err()
		case err != nil:
			return sent, s.opError("send", ep.target(list[n].To), err)
		case bad != nil:
			return sent, s.opError("send", ep.target(ds[sent].To), bad)
		}
	}
	return sent, nil
}

// checkDatagram says why a datagram cannot go out, before the kernel is asked.
func (s *Socket) checkDatagram(ep *endpoint, d *Datagram) error {
	switch {
	case d.Interface < 0:
		return invalid(fmt.Sprintf("interface %d is negative", d.Interface))
	}
	to := unmap(d.To)
	if ep != nil && ep.peer.IsValid() {
		if d.To.IsValid() {
			return ErrAlreadyConnected
		}
		if d.From.IsValid() && d.From.Unmap().Is4() != ep.peer.Addr().Is4() {
			return ErrAddressFamily
		}
	} else if d.To == (netip.AddrPort{}) {
		return missingPeer{}
	} else if err := s.check(ep, to, d.From.Unmap()); err != nil {
		return err
	}
	limit := maxPayload(to.Addr())
	if ep != nil {
		limit = ep.maxPayload(to)
	}
	if len(d.Data) > limit {
		return syscall.EMSGSIZE
	}
	return nil
}

// missingPeer is a datagram without a destination on a socket without a peer.
type missingPeer struct{ missingAddress }

func (e missingPeer) Is(target error) bool {
	return e.missingAddress.Is(target) || target == ErrNotConnected || target == syscall.ENOTCONN
}

func (d *Datagram) kernel() kernel.Datagram {
	return kernel.Datagram{Data: d.Data, To: unmap(d.To), From: d.From.Unmap(), Interface: d.Interface, TOS: d.TOS, TTL: d.TTL}
}

// sendAll gives a batch to the kernel and returns how many it accepted. Where
// there is no room it calls wait to send datagram i; it calls gone with how many
// have left so far.
func (s *Socket) sendAll(conn kernel.Conn, ds []kernel.Datagram, wait func(i int) error, gone func(n int)) (sent int, err error) {
	for sent < len(ds) {
		n, err := 0, errBusy
		if s.waiting.Load() == 0 {
			n, err = conn.SendBatch(ds[sent:])
			s.countSent(ds[sent : sent+n])
			sent += n
			gone(sent)
		}
		if err == nil {
			continue
		}
		if err == kernel.ErrPending {
			s.reportICMPErrors(conn, err)
			continue
		}
		if err = s.resend(conn, &ds[sent], nil, err); kernel.WouldBlock(err) {
			err = wait(sent)
		}
		if err != nil {
			return sent, err
		}
		s.countSent(ds[sent : sent+1])
		sent++
		gone(sent)
	}
	return sent, nil
}

// errBusy stands for the kernel's EAGAIN while other senders wait.
var errBusy error = syscall.EAGAIN

func (s *Socket) countSent(ds []kernel.Datagram) {
	bytes := 0
	for i := range ds {
		bytes += ds[i].Len()
	}
	if len(ds) > 0 {
		s.count.send(len(ds), bytes)
	}
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
	in    chan Datagram      // received by the writer alone; only the user may close it
	flush chan chan struct{} // what Flush asks the writer
	ended chan struct{}      // closed when the writer has ended

	held, heldBytes atomic.Int64 // in the writer's batch and not sent yet
}

// wait waits until the writer has sent what is in the queue now.
func (o *outbox) wait(ctx context.Context, ended *lifetime) error {
	done := make(chan struct{})
	select {
	case o.flush <- done:
	case <-o.ended:
		return ended.errIfEnded()
	case <-ctx.Done():
		return ctx.Err()
	case <-ended.done:
		return net.ErrClosed
	}
	select {
	case <-done:
		return nil
	case <-o.ended:
		return ended.errIfEnded()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// startOutbox returns the outbox. The first call makes it and starts the writer.
func (s *Socket) startOutbox() *outbox {
	s.mu.Lock()
	if o := s.outbox; o != nil {
		s.mu.Unlock()
		return o
	}
	o := &outbox{
		in:    make(chan Datagram, s.cfg.sendQueue),
		flush: make(chan chan struct{}),
		ended: make(chan struct{}),
	}
	s.outbox = o
	if s.closing {
		close(o.ended)
	} else {
		w := &writer{s: s, o: o, limit: max(int(s.cfg.sendQueue), maxBatch)}
		s.group.Go(w.run)
	}
	s.mu.Unlock()
	if s.endpoint.Load() == nil {
		if _, err := s.autoBind(context.Background(), "bind"); err != nil && !s.ending() {
			s.report(err) // the writer tries again
		}
	}
	return o
}
