//go:build linux

package linux

import (
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"example.com/dgram/internal/kernel"
)

// swallowed finds the errors of earlier datagrams that sendmmsg removes without
// returning them: after its first message it returns a short count alone
// (sendmmsg(2)). Only a connected socket without an error queue meets such errors.
// While it sends a batch it has an error queue, which keeps a copy of each error.
type swallowed struct {
	mu      sync.Mutex
	batches int // batches that are being sent
}

// keepErrors turns on the error queue of a connected socket, until dropErrors. It
// does nothing and returns false if the socket has a queue anyway, or if the
// descriptor is shared: the queue may belong to another owner.
func (c *conn) keepErrors(fd uintptr) bool {
	if !c.connected.Load() || c.errorQueue || c.shared.Load() || c.exposed.Load() {
		return false
	}
	s := &c.swallowed
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.batches == 0 && c.setPeerQueue(fd, 1) != 0 {
		return false
	}
	s.batches++
	return true
}

// dropErrors turns the error queue off again, which discards its entries.
func (c *conn) dropErrors(fd uintptr) {
	s := &c.swallowed
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.batches--; s.batches == 0 {
		_ = c.setPeerQueue(fd, 0)
	}
}

func (c *conn) setPeerQueue(fd uintptr, on int32) syscall.Errno {
	if c.inet6 && !c.peerIPv4.Load() {
		return setInt(fd, unix.IPPROTO_IPV6, unix.IPV6_RECVERR, on)
	}
	return setInt(fd, unix.IPPROTO_IP, unix.IP_RECVERR, on)
}

// keepSwallowed keeps for NextRefusal the last error in the queue: the one that a
// sendmmsg with a short count has removed. It reports whether there was one.
func (c *conn) keepSwallowed(fd uintptr) (found bool) {
	var last kernel.Refusal
	for range maxFailures {
		r, ok := c.nextQueued(fd)
		if !ok {
			break
		}
		last, found = r, true
	}
	if found {
		c.pending.Add(kernel.Refusal{Errno: last.Errno})
	}
	return found
}
