package udp

import (
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
