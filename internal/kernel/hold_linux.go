//go:build linux && !dgram_portable

package kernel

import (
	"math"
	"sync/atomic"
)

// A hold keeps the descriptor open for those who are in a short system call on
// it. The poller has such a lock too, behind three more functions: after a
// system call the processor mispredicts the return from each of them, and that
// costs more than the lock.
type hold struct {
	users atomic.Int64  // who is inside, negative once it is shut
	idle  chan struct{} // made by shut, before users says so
}

const shut = math.MinInt64

// enter is false once the descriptor is about to close. Each call that was
// true is followed by leave.
func (h *hold) enter() bool {
	if h.users.Add(1) < 0 {
		h.leave()
		return false
	}
	return true
}

func (h *hold) leave() {
	if h.users.Add(-1) == shut {
		select {
		case h.idle <- struct{}{}:
		default: // another one was last before, and this one only looked in
		}
	}
}

// shut lets nobody in any more and waits for those inside, who never wait
// themselves. It is called once.
func (h *hold) shut() {
	h.idle = make(chan struct{}, 1)
	if h.users.Add(shut) != shut {
		<-h.idle
	}
}
