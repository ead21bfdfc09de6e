//go:build linux

package linux

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"example.com/dgram/internal/kernel"
)

// A burst may be refused although its datagrams are not: the path cannot segment
// (EIO), a segment has to fit the MTU (EMSGSIZE), or an errno that a later kernel has
// for it. What was learned holds for one destination and source, and for a while.

// refusedTime is how long a refusal is remembered: routes and path MTUs change. To
// ask again costs a few calls.
const refusedTime = 5 * time.Second

// maxRefused bounds the memory for the destinations of one socket.
const maxRefused = 256

// burstKey is what a burst's path depends on.
type burstKey struct {
	to, from netip.Addr
	index    int
}

func keyOf(d *kernel.Datagram) burstKey {
	return burstKey{d.To.Addr(), d.From, d.Interface}
}

// burstLimit is the largest segment that may go as a burst; 0 is none at all.
type burstLimit struct {
	size  int
	until time.Time
}

// refusedBursts remembers the destinations that have refused bursts.
type refusedBursts struct {
	any  atomic.Bool // there are some: without, asking costs no lock
	mu   sync.Mutex
	list map[burstKey]burstLimit
}

// allows reports whether d may go out as part of a burst.
func (r *refusedBursts) allows(d *kernel.Datagram) bool {
	if !r.any.Load() {
		return true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	key := keyOf(d)
	limit, ok := r.list[key]
	if !ok || len(d.Data) <= limit.size {
		return true
	}
	if time.Now().After(limit.until) {
		r.remove(key)
		return true
	}
	return false
}

// learn notes that a burst with the segments of d was refused, while d itself was
// sent.
func (r *refusedBursts) learn(d *kernel.Datagram, errno syscall.Errno) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.list == nil {
		r.list = map[burstKey]burstLimit{}
	}
	limit := burstLimit{until: time.Now().Add(refusedTime)}
	if errno == unix.EMSGSIZE {
		limit.size = len(d.Data) - 1
	}
	for key := range r.list {
		if len(r.list) < maxRefused {
			break
		}
		delete(r.list, key)
	}
	r.list[keyOf(d)] = limit
	r.any.Store(true)
}

func (r *refusedBursts) remove(key burstKey) {
	delete(r.list, key)
	r.any.Store(len(r.list) > 0)
}

// clear forgets all: the peer has changed.
func (r *refusedBursts) clear() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.list)
	r.any.Store(false)
}

// burstVerdict judges the errno of a burst. An asynchronous error looks the same, so
// the burst is tried again while nothing is pending, as package udp tries a datagram.
type burstVerdict struct {
	errno        syscall.Errno
	tries, quiet int
	met          bool             // asynchronous errors were taken off: the caller has to be told
	plain        *kernel.Datagram // the burst that begins here is refused for good
}

const (
	quietBursts = 3
	floodBursts = 16
	maxBurstTry = 256
)

// refused notes an errno of the burst that begins with d. From when it is sure, plain
// is d, and its datagrams go one by one.
func (v *burstVerdict) refused(c *conn, fd uintptr, d *kernel.Datagram, errno syscall.Errno) {
	v.tries++
	switch {
	case c.keepPending(fd):
		v.met, v.quiet = true, 0
	case errno != v.errno:
		v.quiet = 0
	default:
		v.quiet++
	}
	v.errno = errno
	if v.quiet >= floodBursts || v.quiet >= quietBursts && !c.pending.Recent() || v.tries >= maxBurstTry {
		v.plain = d
	}
}

// accepted notes that what was refused before has been sent.
func (v *burstVerdict) accepted(c *conn) {
	switch {
	case v.tries == 0:
		return
	case v.plain != nil:
		c.bursts.learn(v.plain, v.errno)
	default: // the errno was not the burst's
		v.met = true
		if !c.errorQueue {
			c.pending.Add(kernel.Refusal{Errno: v.errno})
		}
	}
	v.tries, v.quiet, v.errno, v.plain = 0, 0, 0, nil
}

// splits reports whether d has to go by itself.
func (v *burstVerdict) splits(d *kernel.Datagram) bool {
	return v.plain != nil && keyOf(v.plain) == keyOf(d)
}
