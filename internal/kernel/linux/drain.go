//go:build linux

package linux

import (
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"example.com/dgram/internal/kernel"
)

// draining is the state of a socket's Drain.
type draining struct {
	mu   sync.Mutex // serializes Drain and SetReadDeadline
	on   atomic.Bool
	over atomic.Bool  // a read has returned ErrDrained
	left atomic.Int64 // packets that reads may still take

	deadline    time.Time // of reads; guarded by mu
	interrupted bool      // interrupt has ended the reads that wait; guarded by mu

	sourceless atomic.Bool  // connected to itself: sends carry a source address
	route      *routeSource // of IPv6; set before sourceless
}

// smallestPacket is a lower bound for the memory that the kernel charges for
// one packet in a receive buffer: the struct sk_buff alone is larger.
const smallestPacket = 200

// Drain makes the kernel reject later datagrams, and wakes reads that wait.
//
// A socket filter that accepts nothing does that and keeps the queue, for connected
// sockets and for groups too. A socket that shares its port with others
// (SO_REUSEPORT) is also connected to itself: otherwise the kernel would go on to
// choose the socket for its share of the datagrams, and drop them.
func (c *conn) Drain() error {
	d := &c.drain
	d.mu.Lock()
	defer d.mu.Unlock()
	if c.closed.Load() {
		return net.ErrClosed
	}
	if d.on.Load() {
		return nil
	}
	c.dropped.freeze(c.meminfoDrops)
	switch {
	case c.shared.Load() || c.exposed.Load():
		d.left.Store(0)
	case c.deafen() == nil:
		d.left.Store(1 << 62)
	default:
		d.left.Store(c.queuedAtMost())
	}
	d.on.Store(true)
	return c.mapClosed(c.sock.Load().file.SetReadDeadline(time.Unix(1, 0)))
}

// deafen makes the kernel turn away every later datagram.
func (c *conn) deafen() error {
	return c.controlAll(func(fd int) error {
		if shares, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT); err == nil && shares != 0 && !c.connected.Load() {
			c.leaveShare(uintptr(fd))
		}
		return attachDeafFilter(fd)
	})
}

// leaveShare connects the socket to itself, if it can still send afterwards: the
// kernel then sends from the address that it connected from. On an IPv4 socket an
// empty IP_PKTINFO with each send makes the route choose the source again. For IPv6
// a routeSource asks for the route's source.
func (c *conn) leaveShare(fd uintptr) {
	sa, err := unix.Getsockname(int(fd))
	if err != nil {
		return
	}
	everywhere := fromSockaddr(fd, sa).Addr().IsUnspecified()
	if everywhere && c.inet6 {
		if c.drain.route, err = newRouteSource(int(fd)); err != nil {
			return
		}
	}
	if connectToSelf(fd) == 0 {
		c.drain.sourceless.Store(everywhere)
	}
}

// closeRoute closes the socket that asks routes.
func (c *conn) closeRoute() {
	c.drain.mu.Lock()
	defer c.drain.mu.Unlock()
	if c.drain.route != nil {
		c.drain.route.close()
	}
}

// queuedAtMost returns an upper bound of the packets in the receive buffer.
func (c *conn) queuedAtMost() int64 {
	bytes := 0
	_ = c.sock.Load().raw.Control(func(fd uintptr) {
		if info, errno := meminfo(fd); errno == 0 {
			bytes = int(info[unix.SK_MEMINFO_RMEM_ALLOC])
			return
		}
		bytes, _ = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF)
	})
	return int64(bytes/smallestPacket + 1)
}

// woken reports whether err is that of a read that Drain has ended.
func (c *conn) woken(err error) bool {
	return errors.Is(err, os.ErrDeadlineExceeded) && c.drain.on.Load()
}

// allowed returns how many of n packets a read may take.
func (d *draining) allowed(n int) int { return int(min(int64(n), d.left.Load())) }

// isExhausted reports whether reads may take no more packets.
func (d *draining) isExhausted() bool { return d.on.Load() && d.left.Load() <= 0 }

// ended records that the queue is empty.
func (d *draining) ended() error {
	d.over.Store(true)
	d.left.Store(0)
	return kernel.ErrDrained
}

// receiveQueued is Receive on a socket that drains: it takes what is queued and
// never waits.
func (c *conn) receiveQueued(s kernel.Sink, once bool) error {
	return kernel.ReceiveQueued(s, once, c.receiveNow)
}

// TryReceive delivers one batch of what is there now.
func (c *conn) TryReceive(s kernel.Sink) error {
	err := c.receiveNow(s)
	if err == errEAGAIN {
		return nil
	}
	return err
}

// receiveNow delivers one batch. If nothing is queued it returns errEAGAIN, or
// ErrDrained on a socket that drains.
//
// It bypasses the poller, which does not read after a deadline has passed.
func (c *conn) receiveNow(s kernel.Sink) error {
	r := &c.rx
	r.sink, r.err = s, nil
	err := c.readWithoutWaiting(r.now, &r.found)
	r.sink = nil
	switch {
	case err != nil:
		return c.mapClosed(err)
	case r.err == errEAGAIN && c.drain.on.Load():
		return c.drain.ended()
	}
	return r.err
}

// readNow is one receive call for receiveNow. It reports in found whether there was
// something.
func (c *conn) readNow(fd uintptr) { c.rx.found = c.readOnce(fd) }

func (c *conn) readOnce(fd uintptr) (found bool) {
	r := &c.rx
	if r.pending && c.tellPending(fd) {
		return true
	}
	want := min(r.sink.Room(), batchSize)
	if c.drain.on.Load() && !c.offload.any() {
		if want = c.drain.allowed(want); want <= 0 {
			r.err = errEAGAIN
			return false
		}
	}
	s := borrow()
	defer func() { s.giveBack() }()
	n, errno := 0, unix.EINTR
	for failures := 0; errno == unix.EINTR || errno != 0 && errno != unix.EAGAIN && c.isAsync(errno, &failures); {
		s, n, errno = c.next(s, fd, want, r.bytes <= shortCall)
	}
	if errno == unix.EAGAIN && c.tellPending(fd) {
		return true
	}
	if r.err = callError("recvmmsg", errno); errno != 0 {
		return errno != unix.EAGAIN
	}
	c.drain.left.Add(-int64(n))
	if len(s.batch.Packets) == 0 {
		return true // all packets were from others than the peer: the caller calls again
	}
	r.sink.Deliver(&s.batch)
	return true
}

// Queued reports whether a read would find a datagram now. It leaves the queue and
// a pending error alone; a read with MSG_PEEK would take the error.
func (c *conn) Queued() bool {
	if c.offload.any() {
		return true
	}
	found := false
	_ = c.readWithoutWaiting(func(fd uintptr) {
		fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		for {
			n, err := unix.Poll(fds, 0)
			switch {
			case err == unix.EINTR:
				continue
			case err != nil: // refused by a sandbox
				_, _, errno := unix.Recvfrom(int(fd), make([]byte, 1), unix.MSG_PEEK|unix.MSG_DONTWAIT)
				found = errno == nil
			default:
				found = n > 0 && fds[0].Revents&unix.POLLIN != 0
			}
			return
		}
	}, &found)
	return found && !c.drain.isExhausted()
}
