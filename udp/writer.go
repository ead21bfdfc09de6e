package udp

import (
	"context"
	"errors"
	"net/netip"
	"runtime"

	"example.com/dgram/internal/kernel"
)

// writer is the goroutine that empties the outbox. It takes what is there and waits
// only for the first datagram, so that no datagram is delayed for the sake of a
// larger batch.
type writer struct {
	s     *Socket
	o     *outbox
	limit int // the most datagrams in batch

	pooled *[]kernel.Datagram // from batches, while there is something to send
	batch  []kernel.Datagram  // datagrams taken from the queue, in order
	closed bool               // the user has closed the queue
	taken  uint64             // datagrams taken from the queue

	// For SendQueueCount and SendQueueSize.
	released       int // datagrams at the beginning of batch that are not counted any more
	uncounted      int // datagrams in batch that countHeld has not counted yet
	uncountedBytes int // their bytes

	flushing bool        // there may be a Flush to answer
	change   *peerChange // that waits for the writer to pause
	stale    bool        // what is in the queue may be for the last peer
}

// run sends until the socket ends or the user closes the queue.
func (w *writer) run() error {
	defer w.end()
	for !w.closed || len(w.batch) > 0 {
		if len(w.batch) == 0 && w.change == nil && !w.first() {
			return nil
		}
		if w.change != nil {
			w.pause()
		} else {
			w.fill(min(w.limit, maxBatch))
			w.send()
		}
		if w.s.ending() {
			return nil // a Flush must not return nil
		}
		w.completeFlushes()
	}
	return nil
}

// first waits for a datagram, a Flush or a change of the peer. It gives the batch
// back meanwhile, so that an idle writer owns none.
func (w *writer) first() bool {
	if w.stale {
		w.fill(w.limit)
		return true
	}
	if w.pooled != nil {
		*w.pooled = w.batch
		putBatch(w.pooled)
		w.pooled, w.batch = nil, nil
	}
	select {
	case d, ok := <-w.o.in:
		w.add(d, ok)
	case f := <-w.o.flush:
		w.addFlush(f)
	case w.change = <-w.o.change:
	case <-w.s.lifetime.done:
		return false
	}
	return true
}

// fill takes what is in the queue, until the batch holds n datagrams. It does not
// wait for more, but lets a sender that is at work go on: a yield after every few
// datagrams makes the bursts longer.
func (w *writer) fill(n int) {
	fresh := 0
	for room := n - len(w.batch); room > 0; {
		select {
		case d, ok := <-w.o.in:
			room--
			fresh++
			if w.add(d, ok); ok {
				continue
			}
		default:
			if fresh >= yieldAfter {
				fresh = 0
				runtime.Gosched()
				continue
			}
			w.stale = false
		}
		break
	}
	w.countHeld()
}

// yieldAfter is how many datagrams the writer takes from its queue before it yields
// to see more.
const yieldAfter = 8

// add appends a datagram from the queue to the batch.
func (w *writer) add(d Datagram, ok bool) {
	if !ok {
		w.closed = true
		return
	}
	w.taken++
	if w.stale && d.To == (netip.AddrPort{}) {
		w.report(netip.AddrPort{}, len(d.Data), errPeerChanged)
		return
	}
	if w.pooled == nil {
		w.pooled = batches.Get().(*[]kernel.Datagram)
		w.batch = *w.pooled
	}
	w.batch = append(w.batch, w.s.kernelDatagram(&d))
	w.uncounted++
	w.uncountedBytes += len(d.Data)
}

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

// countHeld adds the uncounted datagrams to SendQueueCount and SendQueueSize.
func (w *writer) countHeld() {
	w.o.held.Add(int64(w.uncounted))
	w.o.heldBytes.Add(int64(w.uncountedBytes))
	w.uncounted, w.uncountedBytes = 0, 0
}

// countReleased removes batch[:n] from SendQueueCount and SendQueueSize.
func (w *writer) countReleased(n int) {
	if n <= w.released {
		return
	}
	bytes := 0
	for i := w.released; i < n; i++ {
		bytes += len(w.batch[i].Data)
	}
	w.o.held.Add(-int64(n - w.released))
	w.o.heldBytes.Add(-int64(bytes))
	w.released = n
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

// end counts what is left.
func (w *writer) end() {
	if w.s.ending() {
		for left := true; left; {
			select {
			case _, ok := <-w.o.in:
				if left = ok; ok {
					w.s.count.sendDropped.Add(1)
				}
			default:
				left = false
			}
		}
	}
	close(w.o.ended)
}
