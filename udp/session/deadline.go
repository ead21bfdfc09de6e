package session

import (
	"sync"
	"time"
)

// A deadline is a channel that is closed at a time, which may be moved while
// others wait.
type deadline struct {
	mu    sync.Mutex
	at    time.Time
	timer *time.Timer   // runs until at
	fired chan struct{} // closed at the deadline, replaced when that is moved
	final bool          // fired stays closed
}

// set moves the deadline; the zero time removes it.
func (d *deadline) set(at time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.final {
		return
	}
	d.stopTimer()
	if isClosed(d.fired) {
		d.fired = make(chan struct{})
	}
	d.at = at
	if at.IsZero() {
		return
	}
	left := time.Until(at)
	if left <= 0 {
		close(d.fired)
		return
	}
	var timer *time.Timer
	timer = time.AfterFunc(left, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.timer == timer { // not moved meanwhile
			d.timer = nil
			close(d.fired)
		}
	})
	d.timer = timer
}

// stop fires the deadline for good.
func (d *deadline) stop() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stopTimer()
	d.final = true
	if !isClosed(d.fired) {
		close(d.fired)
	}
}

func (d *deadline) stopTimer() {
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
}

// done returns a channel that is closed at the deadline. The deadline fires here
// where the timer is late.
func (d *deadline) done() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer != nil && !time.Now().Before(d.at) {
		d.stopTimer()
		close(d.fired)
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
