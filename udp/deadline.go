package udp

import (
	"sync"
	"time"
)

// A deadline is a channel that closes when a time comes, which may be moved
// while others wait for it.
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
	if isDone(d.fired) {
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

// wait returns a channel that is closed when the time has come: not later,
// though the timer may be.
func (d *deadline) wait() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer != nil && !time.Now().Before(d.at) {
		d.fire()
	}
	return d.fired
}

func isDone(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
