package udp

import (
	"sync"
	"time"

	"example.com/dgram/internal/kernel"
)

// readDeadline owns the read deadline of the socket's kernel sockets. There are
// three reasons for one: SetReadDeadline of the view, a reader whose context is done,
// and the end of the socket. The earliest of the three is set. The end is final.
type readDeadline struct {
	mu          sync.Mutex
	conns       []kernel.Conn
	user        time.Time       // of the view; the zero time is none
	reader      <-chan struct{} // Done of the context that the waiting reader has
	interrupted bool            // that context is done
	ended       bool
}

// past is a deadline that has expired.
var past = time.Unix(1, 0)

// attach gives d the kernel sockets.
func (d *readDeadline) attach(conns []kernel.Conn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.conns = conns
	if d.ended {
		_ = d.apply()
	}
}

// setUser sets the view's deadline.
func (d *readDeadline) setUser(t time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.user = t
	return d.apply()
}

// setReader names the context of the reader that waits. An interruption for
// another context is over.
func (d *readDeadline) setReader(done <-chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.reader = done
	if d.interrupted {
		d.interrupted = false
		_ = d.apply()
	}
}

// interrupt wakes the reader whose context is done. A reader that waits for
// another context sleeps on.
func (d *readDeadline) interrupt(done <-chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.reader == done && !d.interrupted {
		d.interrupted = true
		_ = d.apply()
	}
}

// end wakes every reader. No later call undoes it.
func (d *readDeadline) end() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ended = true
	_ = d.apply()
}

// restore sets the deadline again, after a party that is none of the three has
// changed it.
func (d *readDeadline) restore() {
	d.mu.Lock()
	defer d.mu.Unlock()
	_ = d.apply()
}

// apply sets the earliest deadline. The caller holds mu.
func (d *readDeadline) apply() error {
	t := d.user
	if d.ended || d.interrupted {
		t = past
	}
	var first error
	for _, conn := range d.conns {
		if err := conn.SetReadDeadline(t); err != nil && first == nil {
			first = err
		}
	}
	return first
}
