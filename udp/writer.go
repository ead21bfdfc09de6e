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

// putBatch gives a batch back that holds on to nobody's bytes.
func putBatch(b *[]kernel.Datagram) {
	clear(*b)
	*b = (*b)[:0]
	batches.Put(b)
}

// A writer empties the outbox: the room where a queued datagram is sent. It
// drains greedily and waits for nothing but the first datagram, so that
// nothing is delayed for the sake of a larger batch.
type writer struct {
	s     *Socket
	o     *outbox
	limit int // datagrams in hand

	hand   *[]kernel.Datagram // borrowed while there is something to send
	batch  []kernel.Datagram  // in hand, in order
	left   int                // datagrams at its beginning that are in hand no more
	taken  uint64             // datagrams taken from the queue
	closed bool               // the user has closed it
	fresh  int                // datagrams in hand that are not counted yet
	size   int                // their bytes
	last   *endpoint          // where the last datagram that was checked was to leave

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
		if w.s.over() {
			return nil // a Flush that waits must not hear that all went well
		}
		w.flushed()
	}
	return nil
}

// first waits for something to do. It lets go of the batch meanwhile, so that
// an idle writer owns none.
func (w *writer) first() bool {
	if w.hand != nil {
		*w.hand = w.batch
		putBatch(w.hand)
		w.hand, w.batch = nil, nil
	}
	select {
	case d, ok := <-w.o.in:
		w.hand = batches.Get().(*[]kernel.Datagram)
		w.batch = *w.hand
		w.take(d, ok)
	case done := <-w.o.flush:
		w.promise(done)
	case <-w.s.life.done:
		return false
	}
	return true
}

// fill takes what is in the queue, up to n in hand.
func (w *writer) fill(n int) {
	for len(w.batch) < n && !w.closed {
		select {
		case d, ok := <-w.o.in:
			w.take(d, ok)
		default:
			w.hold()
			return
		}
	}
	w.hold()
}

// hold counts what is fresh in hand.
func (w *writer) hold() {
	w.o.held.Add(int64(w.fresh))
	w.o.heldBytes.Add(int64(w.size))
	w.fresh, w.size = 0, 0
}

// take checks a datagram and takes it in hand.
func (w *writer) take(d Datagram, ok bool) {
	if !ok {
		w.closed = true
		return
	}
	w.taken++
	ep := w.s.endpoint.Load()
	if !w.like(ep, &d) {
		if err := w.s.checkDatagram(ep, &d); err != nil {
			w.fail(d.To, len(d.Data), w.s.opError("send", d.To, err))
			return
		}
		w.last = ep
		d.To, d.From = unmap(d.To), d.From.Unmap()
	}
	w.batch = append(w.batch, kernel.Datagram{Data: d.Data, To: d.To, From: d.From})
	w.fresh++
	w.size += len(d.Data)
}

// like tells whether d goes where the one before it goes, and needs no check
// but for its size. A block list may change its mind at any time.
func (w *writer) like(ep *endpoint, d *Datagram) bool {
	if len(w.batch) == 0 || ep == nil || ep != w.last || w.s.cfg.sendBlock != nil || len(d.Data) > maxPayload4 {
		return false
	}
	before := &w.batch[len(w.batch)-1]
	return d.To == before.To && d.From == before.From
}

// send empties the hand.
func (w *writer) send() {
	next := 0
	for next < len(w.batch) && !w.s.over() {
		ep, err := w.s.implicitFor(context.Background(), "send", w.batch[next].To.Addr())
		if err == nil {
			n := 0
			n, err = w.push(ep.conns[0], next)
			next += n
		}
		if err != nil && !w.s.over() {
			d := &w.batch[next]
			to := d.To
			if ep != nil {
				to = ep.target(to)
			}
			w.fail(to, len(d.Data), w.s.opError("send", to, err))
			next++
			w.put(next)
		}
	}
	if next < len(w.batch) { // the socket ends
		w.s.count.sendDropped.Add(uint64(len(w.batch) - next))
		w.put(len(w.batch))
	}
	clear(w.batch)
	w.batch, w.left = w.batch[:0], 0
}

// push hands what is in hand from next on to the kernel, and says how many it
// took. What wait takes meanwhile is for the next push.
func (w *writer) push(conn kernel.Conn, next int) (int, error) {
	return w.s.handAll(conn, w.batch[next:],
		func(i int) error { return w.wait(conn, next+i) },
		func(n int) { w.put(next + n) })
}

// wait sends datagram i of the batch when there is room. Meanwhile it takes
// from the queue, so that SendQueueSize knows what waits there.
func (w *writer) wait(conn kernel.Conn, i int) error {
	d := w.batch[i]
	w.s.enqueue(&d, 1)
	defer w.s.enqueue(&d, -1)
	w.put(i + 1)
	sent := make(chan error, 1)
	go func() { sent <- w.s.await(conn, &d, nil, w.s.life.done) }()
	for {
		in := w.o.in
		if len(w.batch) >= w.limit || w.closed {
			in = nil
		}
		select {
		case err := <-sent:
			return err
		case d, ok := <-in:
			w.take(d, ok)
			w.hold()
		case done := <-w.o.flush:
			w.promise(done)
		}
	}
}

// put says that the first n datagrams of the batch have left the hand.
func (w *writer) put(n int) {
	if n <= w.left {
		return
	}
	bytes := 0
	for i := range w.batch[w.left:n] {
		bytes += len(w.batch[w.left+i].Data)
	}
	w.o.held.Add(-int64(n - w.left))
	w.o.heldBytes.Add(-int64(bytes))
	w.left = n
}

func (w *writer) fail(to netip.AddrPort, bytes int, err error) {
	w.s.count.sendDropped.Add(1)
	w.s.report(&SendError{To: to, Bytes: bytes, Err: err})
}

// promise answers a flush once what is in the queue now has been sent.
func (w *writer) promise(done chan struct{}) {
	w.flushes = append(w.flushes, flush{after: w.taken + uint64(len(w.o.in)), done: done})
}

// flushed answers those flushes whose datagrams are gone. The hand is empty.
func (w *writer) flushed() {
	for len(w.flushes) > 0 && w.flushes[0].after <= w.taken {
		close(w.flushes[0].done)
		w.flushes = w.flushes[1:]
	}
}

// end counts what is left.
func (w *writer) end() {
	if w.s.over() {
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
	close(w.o.over)
}
