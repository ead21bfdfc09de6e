package udp

import (
	"context"
	"errors"
	"net/netip"

	"example.com/dgram/internal/kernel"
)

// send sends the batch. Each datagram is checked against the endpoint from which it
// leaves. While the peer is about to change, send does not wait.
func (w *writer) send() {
	next := 0
	for next < len(w.batch) && !w.s.ending() {
		ep := w.s.endpoint.Load()
		if ep == nil {
			if err := w.bind(&w.batch[next]); err != nil {
				w.fail(next, err)
				next++
			}
			continue
		}
		n, bad := w.passing(ep, next)
		from := next
		w.s.sender.sendAll(ep.conns[0], w.batch[from:n],
			func(i int) error { return w.sendQueued(ep.conns[0], from+i) },
			func(i int) { next = from + i; w.countReleased(next) },
			func(i int, err error) bool {
				if w.s.ending() {
					return false
				}
				w.fail(from+i, err)
				return true
			})
		if bad != nil && next == n {
			w.fail(n, bad)
			next++
		}
	}
	if next < len(w.batch) { // the socket ends
		w.s.count.sendDropped.Add(uint64(len(w.batch) - next))
	}
	w.countReleased(len(w.batch))
	clear(w.batch)
	w.batch, w.released = w.batch[:0], 0
}

// passing checks batch[from:]. It returns the index of the first datagram that must
// not be sent, and why.
func (w *writer) passing(ep *endpoint, from int) (int, error) {
	var before *kernel.Datagram
	for i := from; i < len(w.batch); i++ {
		d := &w.batch[i]
		if err := ep.checkAfter(before, d); err != nil {
			return i, err
		}
		before = d
	}
	return len(w.batch), nil
}

// bind binds the socket for d. While the peer is about to change it does not wait:
// the caller looks again.
func (w *writer) bind(d *kernel.Datagram) error {
	if err := w.s.unboundRules().checkDatagram(d); err != nil {
		return err
	}
	if w.change != nil {
		return errPeerChanged
	}
	addr := d.To.Addr()
	err := w.during(func(ctx context.Context) error {
		_, err := w.s.autoBindFor(ctx, "send", addr)
		return err
	})
	if w.change != nil {
		return nil
	}
	return err
}

// sendQueued sends datagram i of the batch when there is room.
func (w *writer) sendQueued(conn kernel.Conn, i int) error {
	if w.change != nil {
		return errPeerChanged
	}
	d := w.batch[i]
	w.s.sender.enqueue(&d, 1)
	defer w.s.sender.enqueue(&d, -1)
	w.countReleased(i + 1)
	err := w.during(func(ctx context.Context) error {
		return w.s.sender.sendBlocking(conn, &d, nil, ctx.Done())
	})
	if errors.Is(err, kernel.ErrStopped) {
		return errPeerChanged
	}
	return err
}

// during runs a call that waits. Meanwhile it takes from the queue, so that
// SendQueueSize includes what waits there. A change of the peer and the end of the
// socket cancel the call.
func (w *writer) during(call func(ctx context.Context) error) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	result := make(chan error, 1)
	go func() { result <- call(ctx) }()
	change, ended := w.o.change, w.s.lifetime.done
	for {
		in := w.o.in
		if len(w.batch) >= w.limit || w.closed {
			in = nil
		}
		select {
		case err := <-result:
			return err
		case d, ok := <-in:
			w.add(d, ok)
			w.countHeld()
		case f := <-w.o.flush:
			w.addFlush(f)
		case w.change = <-change:
			change = nil
			cancel()
		case <-ended:
			ended = nil
			cancel()
		}
	}
}

// fail reports that datagram i of the batch was not sent.
func (w *writer) fail(i int, err error) {
	w.countReleased(i + 1)
	d := &w.batch[i]
	w.report(w.s.rules().target(d.To), len(d.Data), err)
}

func (w *writer) report(to netip.AddrPort, bytes int, err error) {
	w.s.count.sendDropped.Add(1)
	w.s.report(&SendError{To: to, Bytes: bytes, Err: w.s.opError("send", to, err)})
}
