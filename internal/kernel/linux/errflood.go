//go:build linux

package linux

import (
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"example.com/dgram/internal/kernel"
)

// The entries of the error queue are charged to the receive buffer, and any host
// can forge them. When they take half of the buffer, the error queue is turned off
// for a while. Reports are lost during that time, but no datagrams.
const (
	firstPause = 50 * time.Millisecond
	maxPause   = 2 * time.Second
	lookEvery  = 8 // entries between two looks at the buffer
)

// errorFlood is the state of the pauses of an error queue.
type errorFlood struct {
	mu    sync.Mutex
	taken int       // entries, since the last look at the buffer
	on    time.Time // when the queue was turned on again
	pause time.Duration
	timer *time.Timer // runs while the queue is off
	over  bool
}

// noteTaken counts an entry that was taken off the error queue.
func (c *conn) noteTaken(fd uintptr) {
	f := &c.flood
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.taken++; f.taken%lookEvery != 1 || f.timer != nil || f.over {
		return
	}
	info, errno := meminfo(fd)
	if errno != 0 || info[unix.SK_MEMINFO_RMEM_ALLOC] < info[unix.SK_MEMINFO_RCVBUF]/2 {
		return
	}
	if f.pause == 0 || time.Since(f.on) > 4*f.pause {
		f.pause = firstPause
	} else {
		f.pause = min(2*f.pause, maxPause)
	}
	for range 1 << 10 { // turning the queue off drops the other entries
		r, ok := c.nextQueued(fd)
		if !ok {
			break
		}
		c.pending.Add(r)
	}
	c.setErrorQueue(fd, false)
	f.timer = time.AfterFunc(f.pause, c.endPause)
}

// endPause turns the error queue on again, while the socket is not being replaced:
// a new socket copies the option.
func (c *conn) endPause() {
	if !c.acquire() {
		return
	}
	defer c.release()
	f := &c.flood
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.over {
		return
	}
	f.timer, f.on, f.taken = nil, time.Now(), 0
	_ = c.sock.Load().raw.Control(func(fd uintptr) { c.setErrorQueue(fd, true) })
}

// close stops the timer.
func (f *errorFlood) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.over = true
	if f.timer != nil {
		f.timer.Stop()
	}
}

func (c *conn) setErrorQueue(fd uintptr, on bool) {
	set := settings{fd: int(fd)}
	set.both(c, [2]int{unix.IPPROTO_IP, unix.IP_RECVERR}, [2]int{unix.IPPROTO_IPV6, unix.IPV6_RECVERR}, truth(on), true)
}

// nextICMP takes the next ICMP error from the error queue.
func (c *conn) nextICMP(fd uintptr) (r kernel.Refusal, ok bool) {
	if r, ok = c.nextQueued(fd); ok {
		c.noteTaken(fd)
	}
	return r, ok
}
