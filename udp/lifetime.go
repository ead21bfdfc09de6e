package udp

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// lifetime is the socket's context.Context. It is used instead of a cancelCtx
// because 10,000 idle sockets each have one.
type lifetime struct {
	mu     sync.Mutex
	done   chan struct{} // closed by end
	reason error         // set before done is closed
	flag   atomic.Bool   // set with done; cheaper to read
}

// end ends the lifetime. Only the first call counts, and returns true.
func (l *lifetime) end(cause error) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended() {
		return false
	}
	l.reason = cause
	l.flag.Store(true)
	close(l.done)
	return true
}

func (l *lifetime) ended() bool { return l.flag.Load() }

// cause returns the error passed to end, or nil before the end.
func (l *lifetime) cause() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.reason
}

// Deadline implements context.Context. There is none.
func (l *lifetime) Deadline() (time.Time, bool) { return time.Time{}, false }

// Done returns a channel that is closed by end.
func (l *lifetime) Done() <-chan struct{} { return l.done }

// Err returns context.Canceled after the end.
func (l *lifetime) Err() error {
	if l.ended() {
		return context.Canceled
	}
	return nil
}

// Value implements context.Context. There are none.
func (l *lifetime) Value(any) any { return nil }

// errIfEnded returns net.ErrClosed after the end.
func (l *lifetime) errIfEnded() error {
	if l.ended() {
		return net.ErrClosed
	}
	return nil
}
