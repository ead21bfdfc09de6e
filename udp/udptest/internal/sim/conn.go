package sim

import (
	"net"
	"net/netip"
	"os"
	"strconv"
	"time"

	"example.com/dgram/internal/kernel"
	"example.com/dgram/internal/posix"
)

// A Conn is a socket of a simulated host.
type Conn struct {
	host  *Host
	cfg   kernel.Config
	inet6 bool

	wake chan struct{} // what the one reader waits for; capacity 1
	room chan struct{} // what the one sender waits for; capacity 1
	done chan struct{} // closed by Close

	// Guarded by the network's mutex.
	closed    bool
	deaf      bool       // nothing more is taken in
	draining  bool       // reads take what is queued and do not wait
	own       *Interface // the one that it is bound to, nil for any
	device    *Interface // the one to use: own, or the peer's
	bound     netip.Addr // as bound, without zone
	local     netip.Addr // bound, or what connecting made of it
	port      uint16
	connected netip.Addr     // what connecting chose to send from
	peer      netip.AddrPort // valid while connected
	deadline  time.Time
	timer     *time.Timer // rings at the deadline
	groups    groups
	broadcast bool
	ttl, tos  int
	offload   bool

	queue     queue // the receive buffer
	charged   int   // what is in the send buffer, as of the last look
	departs   []departure
	sendSize  int // of the send buffer
	pending   posix.Errno
	refusals  []kernel.Refusal
	drops     uint64
	strangers uint64 // queued by others than the peer, when the socket was connected
	sifting   bool   // there may be more of those
	calls     kernel.Calls
	last      lastRoute
}

// A departure is when a datagram leaves the send buffer.
type departure struct {
	at    time.Duration
	bytes int
	link  *link
}

// Sizes of buffers as a stock Linux has them: net.core.rmem_default, rmem_max
// and their twins. The kernel doubles what is asked for (socket(7)).
const (
	defaultBuffer = 212992
	maxBuffer     = 212992
	leastRead     = 2304
	leastWrite    = 4608
	defaultTTL    = 64
)

// Open makes a socket on the host.
func (h *Host) Open(cfg kernel.Config) (kernel.Conn, error) {
	if cfg.Control != nil {
		return nil, undescribed("WithControl")
	}
	c := &Conn{
		host: h, cfg: cfg, inet6: cfg.Network == "udp6",
		wake: make(chan struct{}, 1), room: make(chan struct{}, 1), done: make(chan struct{}),
		broadcast: cfg.Broadcast, ttl: defaultTTL,
		sendSize: defaultBuffer,
	}
	c.queue.limit = defaultBuffer
	c.groups.loop, c.groups.ttl = true, 1
	c.tos = cfg.TOS
	if cfg.TTL > 0 {
		c.ttl = cfg.TTL
	}
	if cfg.ReadBuffer > 0 {
		c.queue.limit = granted(cfg.ReadBuffer, leastRead)
	}
	if cfg.WriteBuffer > 0 {
		c.sendSize = granted(cfg.WriteBuffer, leastWrite)
	}
	h.n.lock()
	defer h.n.unlock()
	if h.n.closed {
		return nil, net.ErrClosed
	}
	if cfg.Interface != "" {
		if c.own = h.named(cfg.Interface); c.own == nil {
			return nil, call("setsockopt", posix.ENODEV)
		}
	}
	c.device = c.own
	if err := h.bind(c, cfg.Local); err != nil {
		return nil, err
	}
	c.own = c.device
	if cfg.Remote.IsValid() {
		if err := c.connect(cfg.Remote); err != nil {
			h.release(c)
			return nil, err
		}
	}
	return c, nil
}

func (c *Conn) wildcard() netip.Addr {
	if c.inet6 {
		return netip.IPv6Unspecified()
	}
	return netip.IPv4Unspecified()
}

// call is an errno as a system call returns it.
func call(name string, errno posix.Errno) error {
	if errno == posix.EAGAIN {
		return errEAGAIN
	}
	return os.NewSyscallError(name, errno)
}

var errEAGAIN error = &os.SyscallError{Syscall: "sendmsg", Err: posix.EAGAIN}

// shaped puts what route and connect return into the shape of a system call's
// error; a zone's error is one already.
func shaped(name string, err error) error {
	if errno, ok := err.(posix.Errno); ok {
		return call(name, errno)
	}
	return err
}

func zoneError(zone string) error { return kernel.ZoneError(zone) }

// locked runs f unless the socket is closed.
func (c *Conn) locked(f func() error) error {
	c.host.n.lock()
	defer c.host.n.unlock()
	if c.closed {
		return net.ErrClosed
	}
	return f()
}

// ring sends on a channel of capacity 1, unless it is full: a waiting goroutine wakes.
func ring(bell chan struct{}) {
	select {
	case bell <- struct{}{}:
	default:
	}
}

// Close wakes the reader and the sender that wait, and frees the port.
func (c *Conn) Close() error {
	return c.locked(func() error {
		c.closed = true
		c.host.release(c)
		if c.timer != nil {
			c.timer.Stop()
		}
		c.queue = queue{}
		close(c.done)
		ring(c.wake)
		return nil
	})
}

// SetReadDeadline ends reads that wait.
func (c *Conn) SetReadDeadline(t time.Time) error {
	return c.locked(func() error {
		c.deadline = t
		if c.timer != nil {
			c.timer.Stop()
			c.timer = nil
		}
		if left := time.Until(t); !t.IsZero() && left > 0 {
			c.timer = time.AfterFunc(left, func() { ring(c.wake) })
		}
		ring(c.wake)
		return nil
	})
}

// NextRefusal takes one report, or else the pending error.
func (c *Conn) NextRefusal() (r kernel.Refusal, ok bool) {
	c.host.n.lock()
	defer c.host.n.unlock()
	if len(c.refusals) == 0 {
		r.Errno, c.pending = c.pending, 0
		return r, r.Errno != 0
	}
	if c.cfg.ICMPErrors && len(c.refusals) == 1 {
		c.pending = 0 // of the last report
	}
	r, c.refusals = c.refusals[0], c.refusals[1:]
	return r, true
}

// Discard makes the socket deaf, and counts and drops what is in its receive
// buffer.
func (c *Conn) Discard() (datagrams uint64) {
	c.host.n.lock()
	defer c.host.n.unlock()
	if c.closed {
		return 0
	}
	c.deaf = true
	datagrams = uint64(c.queue.len())
	c.queue.clear()
	return datagrams
}

// Strangers counts what sift dropped.
func (c *Conn) Strangers() uint64 {
	c.host.n.lock()
	defer c.host.n.unlock()
	return c.strangers
}

// String is for messages of tests.
func (c *Conn) String() string {
	return c.cfg.Network + " socket of " + c.host.name + ", port " + strconv.Itoa(int(c.port))
}
