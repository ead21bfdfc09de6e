package udp

import "testing"

// A waiter that gives up although it was handed the lock passes it on: to the next in
// order, or to nobody.
func TestAWaiterThatGivesUpPassesTheLockOn(t *testing.T) {
	var m fifoMutex
	m.lock(nil, nil)
	first, second := m.wait(), m.wait()
	m.unlock() // to the first
	m.cancel(first)
	select {
	case <-second:
	default:
		t.Fatal("the second waits")
	}
	third := m.wait()
	m.unlock()
	m.cancel(third)
	if !m.tryLock() {
		t.Error("the lock is lost")
	}
}
