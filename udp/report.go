package udp

import (
	"errors"
	"reflect"
	"sync"
	"time"
)

// Errors returns the channel of errors that belong to no call: ICMP errors about earlier
// datagrams, datagrams of the Outbox that failed ([*SendError]), drops ([*OverflowError])
// and read errors.
//
// The channel may be ignored. It is buffered and never blocks the socket. An error that
// does not fit is counted (Stats.ErrorsDropped). An error equal to the last one is not
// queued again while that one waits in the channel. The socket closes Errors together
// with the message channel: a loop has to use the second value of the receive.
//
// The readers take ICMP errors from the kernel. A socket that is not read reports them
// when it sends again.
func (s *Socket) Errors() <-chan error { return s.errors.channel(s.cfg.errorBuffer) }

// report puts err on Errors.
func (s *Socket) report(err error) { s.errors.put(err, s.cfg.errorBuffer) }

// An errorQueue is the channel behind Errors.
type errorQueue struct {
	mu            sync.Mutex
	ch            chan error // made when there is a reader or an error; sent to under mu, closed once by finish
	last          error
	closed        bool
	seen, dropped uint64
}

func (q *errorQueue) channel(size int32) chan error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.open(size)
}

// open makes the channel if there is none.
func (q *errorQueue) open(size int32) chan error {
	if q.ch == nil {
		q.ch = make(chan error, size)
		if q.closed {
			close(q.ch)
		}
	}
	return q.ch
}

func (q *errorQueue) put(err error, size int32) { q.putMany(err, 1, size) }

// putMany reports an error that was seen n times.
func (q *errorQueue) putMany(err error, n uint64, size int32) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.seen += n
	if len(q.ch) > 0 && same(err, q.last) {
		return
	}
	if q.closed {
		q.dropped++
		return
	}
	select {
	case q.open(size) <- err:
		q.last = err
	default:
		q.dropped++
	}
}

func (q *errorQueue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	if q.ch != nil {
		close(q.ch)
	}
}

func (q *errorQueue) counts() (seen, dropped uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.seen, q.dropped
}

// same reports whether two errors are equal. Reports of drops never are: each has
// its own count.
func same(a, b error) bool {
	var o *OverflowError
	if errors.As(a, &o) {
		return false
	}
	return reflect.DeepEqual(a, b)
}

// count counts an error that was handed to a loop.
func (q *errorQueue) count() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.seen++
}

// overflow reports the drops of a policy: a line an episode, not a line a
// datagram. An episode is over when a datagram fits again; while it lasts, and
// where episodes follow each other, there is a line a second.
type overflow struct {
	mu     sync.Mutex
	count  uint64      // not reported yet
	timer  *time.Timer // runs while there may be something to report
	last   time.Time   // when the last report was made
	closed bool
}

const betweenReports = time.Second

func (o *overflow) dropped(s *Socket, n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.count += uint64(n)
	if o.timer == nil && !o.closed {
		o.timer = time.AfterFunc(betweenReports, func() { o.tick(s) })
	}
}

// resumed ends an episode: a datagram has fit again.
func (o *overflow) resumed(s *Socket) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if time.Since(o.last) >= betweenReports {
		o.flush(s)
	}
}

// tick reports what was dropped since the last tick, and stops when nothing
// was.
func (o *overflow) tick(s *Socket) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed || o.count == 0 {
		o.timer = nil
		return
	}
	o.flush(s)
	o.timer.Reset(betweenReports)
}

func (o *overflow) flush(s *Socket) {
	if o.count > 0 {
		s.report(&OverflowError{Dropped: o.count})
		o.count, o.last = 0, time.Now()
	}
}

// close reports the rest.
func (o *overflow) close(s *Socket) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	if o.timer != nil {
		o.timer.Stop()
	}
	o.flush(s)
}
