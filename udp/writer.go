package udp

import (
	"context"
	"net/netip"
	"sync"

	"example.com/dgram/internal/kernel"
)

// maxBatch is how many datagrams the writer takes at once: several bursts.
const maxBatch = 256

var batches = sync.Pool{New: func() any { return new([]kernel.Datagram) }}

// putBatch clears a batch and gives it back to the pool.
func putBatch(b *[]kernel.Datagram) {
	clear(*b)
	*b = (*b)[:0]
	batches.Put(b)
}

// writer is the goroutine that empties the outbox. It takes what is there and
// waits only for the first datagram, so that no datagram is delayed for the sake
// of a larger batch.
type writer struct {
	s     *Socket
	o     *outbox
	limit int // the most datagrams in batch

	pooled         *[]kernel.Datagram // from batches, while there is something to send
	batch          []kernel.Datagram  // datagrams taken from the queue, in order
	released       int                // datagrams at its beginning that were sent or have failed
	taken          uint64             // datagrams taken from the queue
	closed         bool               // the user has closed it
	uncounted      int                // datagrams in batch that countHeld has not counted yet
	uncountedBytes int                // their bytes
	last           *endpoint          // where the last datagram that was checked was to leave

	flushes []flush
}

// A flush waits until the writer has done with so many datagrams.
type flush struct {
	after uint64
	done  chan struct{}
}

// run sends until the socket ends or the user closes the queue.
func (w *writer) run() error {
	defer w.end()
	for !w.closed || len(w.batch) > 0 {
		if len(w.batch) == 0 && !w.first() {
			return nil
		}
		w.fill(maxBatch)
		w.send()
		if w.s.ending() {
			return nil // a Flush that waits must not hear that all went well
		}
		w.completeFlushes()
	}
	return nil
}

// first waits for a datagram or a Flush. It gives the batch back meanwhile, so that
// an idle writer owns none.
func (w *writer) first() bool {
	if w.pooled != nil {
		*w.pooled = w.batch
		putBatch(w.pooled)
		w.pooled, w.batch = nil, nil
	}
	select {
	case d, ok := <-w.o.in:
		w.pooled = batches.Get().(*[]kernel.Datagram)
		w.batch = *w.pooled
		w.add(d, ok)
	case done := <-w.o.flush:
		w.addFlush(done)
	case <-w.s.lifetime.done:
		return false
	}
	return true
}

// fill takes what is in the queue, until the batch holds n datagrams.
func (w *writer) fill(n int) {
	for len(w.batch) < n && !w.closed {
		select {
		case d, ok := <-w.o.in:
			w.add(d, ok)
		default:
			w.countHeld()
			return
		}
	}
	w.countHeld()
}

// countHeld adds the uncounted datagrams to SendQueueCount and SendQueueSize.
func (w *writer) countHeld() {
	w.o.held.Add(int64(w.uncounted))
	w.o.heldBytes.Add(int64(w.uncountedBytes))
	w.uncounted, w.uncountedBytes = 0, 0
}

// add checks a datagram from the queue and appends it to the batch.
func (w *writer) add(d Datagram, ok bool) {
	if !ok {
		w.closed = true
		return
	}
	w.taken++
	ep := w.s.endpoint.Load()
	if !w.sameRoute(ep, &d) {
		if err := w.s.checkDatagram(ep, &d); err != nil {
			w.fail(d.To, len(d.Data), w.s.opError("send", d.To, err))
			return
		}
		w.last = ep
		d.To, d.From = unmap(d.To), d.From.Unmap()
	}
	w.batch = append(w.batch, kernel.Datagram{Data: d.Data, To: d.To, From: d.From, Interface: d.Interface, TOS: d.TOS, TTL: d.TTL})
	w.uncounted++
	w.uncountedBytes += len(d.Data)
}

// sameRoute reports whether d has the addresses of the datagram before it, and so
// needs no check but for its size. A block list is asked about each datagram: its
// answers may change.
func (w *writer) sameRoute(ep *endpoint, d *Datagram) bool {
	if len(w.batch) == 0 || ep == nil || ep != w.last || w.s.cfg.sendBlock != nil || len(d.Data) > maxPayload4 {
		return false
	}
	before := &w.batch[len(w.batch)-1]
	return d.To == before.To && d.From == before.From && d.Interface == before.Interface && d.TOS == 0 && d.TTL == 0
}

// send sends the batch.
func (w *writer) send() {
	next := 0
	for next < len(w.batch) && !w.s.ending() {
		ep, err := w.s.autoBindFor(context.Background(), "send", w.batch[next].To.Addr())
		if err == nil {
			n := 0
			n, err = w.sendBatch(ep.conns[0], next)
			next += n
		}
		if err != nil && !w.s.ending() {
			d := &w.batch[next]
			to := d.To
			if ep != nil {
				to = ep.target(to)
			}
			w.fail(to, len(d.Data), w.s.opError("send", to, err))
			next++
			w.countReleased(next)
		}
	}
	if next < len(w.batch) { // the socket ends
		w.s.count.sendDropped.Add(uint64(len(w.batch) - next))
		w.countReleased(len(w.batch))
	}
	clear(w.batch)
	w.batch, w.released = w.batch[:0], 0
}

// sendBatch hands batch[next:] to the kernel and returns how many it accepted.
// What sendQueued adds meanwhile is for the next call.
func (w *writer) sendBatch(conn kernel.Conn, next int) (int, error) {
	return w.s.sendAll(conn, w.batch[next:],
		func(i int) error { return w.sendQueued(conn, next+i) },
		func(n int) { w.countReleased(next + n) })
}

// sendQueued sends datagram i of the batch when there is room. Meanwhile it takes
// from the queue, so that SendQueueSize includes what waits there.
func (w *writer) sendQueued(conn kernel.Conn, i int) error {
	d := w.batch[i]
	w.s.enqueue(&d, 1)
	defer w.s.enqueue(&d, -1)
	w.countReleased(i + 1)
	sent := make(chan error, 1)
	go func() { sent <- w.s.sendBlocking(conn, &d, nil, w.s.lifetime.done) }()
	for {
		in := w.o.in
		if len(w.batch) >= w.limit || w.closed {
			in = nil
		}
		select {
		case err := <-sent:
			return err
		case d, ok := <-in:
			w.add(d, ok)
			w.countHeld()
		case done := <-w.o.flush:
			w.addFlush(done)
		}
	}
}

// countReleased removes batch[:n] from SendQueueCount and SendQueueSize.
func (w *writer) countReleased(n int) {
	if n <= w.released {
		return
	}
	bytes := 0
	for i := range w.batch[w.released:n] {
		bytes += len(w.batch[w.released+i].Data)
	}
	w.o.held.Add(-int64(n - w.released))
	w.o.heldBytes.Add(-int64(bytes))
	w.released = n
}

func (w *writer) fail(to netip.AddrPort, bytes int, err error) {
	w.s.count.sendDropped.Add(1)
	w.s.report(&SendError{To: to, Bytes: bytes, Err: err})
}

// addFlush registers a Flush of what is in the queue now.
func (w *writer) addFlush(done chan struct{}) {
	w.flushes = append(w.flushes, flush{after: w.taken + uint64(len(w.o.in)), done: done})
}

// completeFlushes answers the flushes whose datagrams were sent. The batch is
// empty.
func (w *writer) completeFlushes() {
	for len(w.flushes) > 0 && w.flushes[0].after <= w.taken {
		close(w.flushes[0].done)
		w.flushes = w.flushes[1:]
	}
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
