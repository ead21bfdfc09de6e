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

// The kernel may refuse a burst although it accepts each datagram: the path cannot
// segment (EIO), a segment has to fit the MTU (EMSGSIZE), or a later kernel has
// another errno. A refusal holds for one destination and source, and is remembered
// for a while.

// refusedTime is how long a refusal is remembered: routes and path MTUs change.
// Trying a burst again costs a few calls.
const refusedTime = 5 * time.Second

// maxRefused bounds the memory for the destinations of one socket.
const maxRefused = 256

// burstKey has what the path of a burst depends on.
type burstKey struct {
	to, from netip.Addr
	index    int
}

func keyOf(d *kernel.Datagram) burstKey {
	return burstKey{d.To.Addr(), d.From, d.Interface}
}

// burstLimit is the largest segment of a burst that the path accepts; 0 if it
// accepts no burst.
type burstLimit struct {
	size  int
	until time.Time
}

// refusedBursts remembers the destinations that have refused bursts.
type refusedBursts struct {
	any  atomic.Bool // the map is not empty; if it is, allows takes no lock
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

// learn records that a burst with the segments of d was refused and d itself was
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

// clear forgets all refusals, because the peer has changed.
func (r *refusedBursts) clear() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.list)
	r.any.Store(false)
}

// burstVerdict decides whether an errno of a burst is about the burst. An
// asynchronous error has the same errno, so the burst is tried again, as package udp
// does with a datagram.
type burstVerdict struct {
	tried   kernel.Attempts
	pending bool             // asynchronous errors were there after the last of them
	met     bool             // asynchronous errors were kept for NextRefusal: the caller returns kernel.ErrPending
	plain   *kernel.Datagram // the burst that begins with this datagram is refused
}

// refused records an errno of the burst that begins with d. Once the errno is known
// to be about the burst, it sets plain to d, and the datagrams of the burst are
// sent one by one.
func (v *burstVerdict) refused(c *conn, fd uintptr, d *kernel.Datagram, errno syscall.Errno) {
	if v.tried.Row > 0 && v.tried.Errno != errno {
		v.keep(c) // an errno of the burst would have come again
	}
	if v.tried.Failed(errno, v.pending, &c.pending.Taken) {
		v.plain = d
	}
	v.pending = c.keepPending(fd)
	v.met = v.met || v.pending
}

// keep keeps the errno of the attempts, which was about earlier datagrams, unless
// the error queue says it.
func (v *burstVerdict) keep(c *conn) {
	v.met = true
	if !c.errorQueue {
		c.pending.Add(kernel.Refusal{Errno: v.tried.Errno})
	}
}

// accepted records that a send succeeded. If the datagrams of a refused burst went
// one by one, the errno was about the burst; if the burst went after all, the errno
// was about an earlier datagram.
func (v *burstVerdict) accepted(c *conn) {
	switch {
	case v.tried.Row == 0:
		return
	case v.plain != nil:
		c.bursts.learn(v.plain, v.tried.Errno)
	default:
		v.keep(c)
	}
	*v = burstVerdict{met: v.met}
}

// splits reports whether d must be sent by itself.
func (v *burstVerdict) splits(d *kernel.Datagram) bool {
	return v.plain != nil && keyOf(v.plain) == keyOf(d)
}
