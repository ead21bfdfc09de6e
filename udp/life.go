package udp

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// A life is how long a socket lives. It is a context that ends with it, and
// smaller than those of package context: ten thousand idle sockets each have
// one.
type life struct {
	mu    sync.Mutex
	done  chan struct{} // closed by end
	cause error         // set before done is closed
	ended atomic.Bool   // what done says, without asking a channel
}

// end ends the life. Only the first cause counts; true says that this is it.
func (l *life) end(cause error) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over() {
		return false
	}
	l.cause = cause
	l.ended.Store(true)
	close(l.done)
	return true
}

func (l *life) over() bool { return l.ended.Load() }

// why is the cause, nil while the life lasts.
func (l *life) why() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cause
}

// Deadline makes a life a context.Context.
func (l *life) Deadline() (time.Time, bool) { return time.Time{}, false }

// Done is closed when the life has ended.
func (l *life) Done() <-chan struct{} { return l.done }

// Err is context.Canceled after the end.
func (l *life) Err() error {
	if l.over() {
		return context.Canceled
	}
	return nil
}

// Value has none.
func (l *life) Value(any) any { return nil }

// gone is net.ErrClosed after the end.
func (l *life) gone() error {
	if l.over() {
		return net.ErrClosed
	}
	return nil
}
