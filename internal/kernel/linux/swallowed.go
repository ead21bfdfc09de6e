//go:build linux

package linux

import (
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"example.com/dgram/internal/kernel"
)

// swallowed finds the errors of earlier datagrams that sendmmsg takes off and does not
// tell: after its first message it tells a short count alone (sendmmsg(2)). A connected
// socket without an error queue gets such errors. It has a queue for as long as it sends
// a batch, which keeps a copy of each.
type swallowed struct {
	mu      sync.Mutex
	batches int // that are being sent
}

// keepErrors turns the error queue of a connected socket on, until dropErrors. It does
// nothing and returns false where there is a queue anyway, and where others have the
// descriptor: the queue may be theirs.
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

// dropErrors turns the error queue off again, which throws away what is in it.
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

// keepSwallowed keeps the error that a sendmmsg with a short count has taken off, for
// NextRefusal: the last one in the queue. It reports whether there was one.
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
