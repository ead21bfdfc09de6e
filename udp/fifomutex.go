package udp

import (
	"sync"
	"sync/atomic"
)

// fifoMutex is a mutex whose waiters are served in order and may stop waiting.
// Waiters wait for a channel, which testing/synctest regards as durable. Without
// contention lock and unlock are one atomic operation each.
type fifoMutex struct {
	state   atomic.Int32    // unlocked, locked or contended
	mu      sync.Mutex      // guards waiters and the changes to and from contended
	waiters []chan struct{} // in order; the first is closed to hand it the lock
}

const (
	unlocked  = iota
	locked    // without waiters
	contended // with waiters: unlock hands the lock over
)

// tryLock reports whether it has taken the lock.
func (m *fifoMutex) tryLock() bool { return m.state.CompareAndSwap(unlocked, locked) }

// lock waits for the lock. It returns false if stop or done closes first.
func (m *fifoMutex) lock(stop, done <-chan struct{}) bool {
	if m.tryLock() {
		return true
	}
	w := m.wait()
	if w == nil {
		return true
	}
	select {
	case <-w:
		return true
	case <-stop:
	case <-done:
	}
	m.cancel(w)
	return false
}

// wait takes the lock and returns nil, or returns the channel that is closed
// when the lock is handed over.
func (m *fifoMutex) wait() chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	for m.state.Load() != contended {
		if m.tryLock() {
			return nil
		}
		m.state.CompareAndSwap(locked, contended)
	}
	w := make(chan struct{})
	m.waiters = append(m.waiters, w)
	return w
}

// cancel removes a waiter. If it was handed the lock meanwhile, the next waiter
// gets the lock.
func (m *fifoMutex) cancel(w chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, o := range m.waiters {
		if o == w {
			m.waiters = append(m.waiters[:i], m.waiters[i+1:]...)
			if len(m.waiters) == 0 {
				m.state.Store(locked)
			}
			return
		}
	}
	m.handOff()
}

// unlock hands the lock to the first waiter.
func (m *fifoMutex) unlock() {
	if m.state.CompareAndSwap(locked, unlocked) {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.handOff()
}

// handOff passes the lock on. The caller holds mu and has the lock.
func (m *fifoMutex) handOff() {
	if len(m.waiters) == 0 {
		m.state.Store(unlocked)
		return
	}
	close(m.waiters[0])
	m.waiters = m.waiters[1:]
	if len(m.waiters) == 0 {
		m.waiters = nil
		m.state.Store(locked)
	}
}
