package udp

import "sync"

// fifoMutex is a mutex whose waiters are served in order and may stop waiting.
type fifoMutex struct {
	mu      sync.Mutex
	locked  bool
	waiters []chan struct{} // in order; the first is closed to hand it the lock
}

// lock waits for the lock. It returns false if stop or done closes first.
func (m *fifoMutex) lock(stop, done <-chan struct{}) bool {
	m.mu.Lock()
	if !m.locked {
		m.locked = true
		m.mu.Unlock()
		return true
	}
	w := make(chan struct{})
	m.waiters = append(m.waiters, w)
	m.mu.Unlock()
	select {
	case <-w:
		return true
	case <-stop:
	case <-done:
	}
	m.cancel(w)
	return false
}

// cancel removes a waiter. If it was handed the lock meanwhile, the next waiter
// gets the lock.
func (m *fifoMutex) cancel(w chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, o := range m.waiters {
		if o == w {
			m.waiters = append(m.waiters[:i], m.waiters[i+1:]...)
			return
		}
	}
	m.handOff()
}

// unlock hands the lock to the first waiter.
func (m *fifoMutex) unlock() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.handOff()
}

func (m *fifoMutex) handOff() {
	if len(m.waiters) == 0 {
		m.locked, m.waiters = false, nil
		return
	}
	close(m.waiters[0])
	m.waiters = m.waiters[1:]
}
