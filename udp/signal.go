package udp

import "sync"

// A signal is a channel that is closed while something holds. It is made when
// somebody asks for it: most sockets never need theirs.
type signal struct {
	mu sync.Mutex
	ch chan struct{}
	on bool
}

// channel is closed while the signal is on. After it was off there is a fresh
// one.
func (s *signal) channel() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ch == nil {
		s.ch = make(chan struct{})
		if s.on {
			close(s.ch)
		}
	}
	return s.ch
}

// set turns the signal on or off. To set it to what it is does nothing.
func (s *signal) set(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if on == s.on {
		return
	}
	s.on = on
	switch {
	case !on:
		s.ch = nil
	case s.ch != nil:
		close(s.ch)
	}
}

// A line is a lock for which one waits in order, and may give up.
type line struct {
	mu      sync.Mutex
	held    bool
	waiting []chan struct{} // closed for the one whose turn it is
}

// enter waits for the lock. It returns false when one of the others closes
// first.
func (l *line) enter(stop, over <-chan struct{}) bool {
	l.mu.Lock()
	if !l.held {
		l.held = true
		l.mu.Unlock()
		return true
	}
	turn := make(chan struct{})
	l.waiting = append(l.waiting, turn)
	l.mu.Unlock()
	select {
	case <-turn:
		return true
	case <-stop:
	case <-over:
	}
	l.giveUp(turn)
	return false
}

// giveUp leaves the line. Whose turn has come at that moment passes it on.
func (l *line) giveUp(turn chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, t := range l.waiting {
		if t == turn {
			l.waiting = append(l.waiting[:i], l.waiting[i+1:]...)
			return
		}
	}
	l.pass()
}

// leave gives the lock to the next.
func (l *line) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pass()
}

func (l *line) pass() {
	if len(l.waiting) == 0 {
		l.held, l.waiting = false, nil
		return
	}
	close(l.waiting[0])
	l.waiting = l.waiting[1:]
}
