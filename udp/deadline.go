package udp

import (
	"sync"
	"time"
)

// deadline is a channel that closes at a time, which may be moved while others
// wait for it.
type deadline struct {
	mu    sync.Mutex
	at    time.Time
	timer *time.Timer   // runs until then
	fired chan struct{} // closed when the time has come, replaced when it is moved after that
}

func (d *deadline) open() { d.fired = make(chan struct{}) }

// set moves the deadline; the zero time removes it.
func (d *deadline) set(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	if isClosed(d.fired) {
		d.fired = make(chan struct{})
	}
	if t.IsZero() {
		return
	}
	left := time.Until(t)
	if left <= 0 {
		close(d.fired)
		return
	}
	d.at = t
	var timer *time.Timer
	timer = time.AfterFunc(left, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.timer == timer { // not moved meanwhile
			d.fire()
		}
	})
	d.timer = timer
}

func (d *deadline) fire() {
	d.timer.Stop()
	d.timer = nil
	close(d.fired)
}

// done returns a channel closed at the deadline. It fires here if the timer is
// late.
func (d *deadline) done() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer != nil && !time.Now().Before(d.at) {
		d.fire()
	}
	return d.fired
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
