package udp

import "sync"

// latch is a channel that is closed while the latch is set. The channel is made
// on first use, because most sockets never need theirs.
type latch struct {
	mu sync.Mutex
	ch chan struct{}
	on bool
}

// done returns a channel that is closed while the latch is set. After the latch
// was cleared it is a fresh one.
func (l *latch) done() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ch == nil {
		l.ch = make(chan struct{})
		if l.on {
			close(l.ch)
		}
	}
	return l.ch
}

// set sets or clears the latch. Setting a latch that is set does nothing.
func (l *latch) set(on bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if on == l.on {
		return
	}
	l.on = on
	switch {
	case !on:
		l.ch = nil
	case l.ch != nil:
		close(l.ch)
	}
}
