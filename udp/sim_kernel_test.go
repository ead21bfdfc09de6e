package udp_test

import (
	"net/netip"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.com/dgram/internal/kernel"
)

// A simKernel is a kernel in plain Go. It waits on channels and timers alone,
// so that a socket on it can live in a synctest bubble, and it does what it is
// told: deliver, fail, run out of room.
type simKernel struct {
	t           testing.TB
	noIPv6      bool
	unreachable netip.Addr // Connect to it fails

	mu    sync.Mutex
	conns []*simConn // all that were opened
	opens []error    // what the next Opens meet, nil for success
}

func newSimKernel(t testing.TB) *simKernel { return &simKernel{t: t} }

func (k *simKernel) IPv6() bool { return !k.noIPv6 }

func (k *simKernel) Adopt(f *os.File, cfg kernel.Config) (kernel.Conn, kernel.Config, error) {
	return nil, cfg, kernel.ErrNotUDP
}

func (k *simKernel) Open(cfg kernel.Config) (kernel.Conn, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.opens) > 0 {
		err := k.opens[0]
		k.opens = k.opens[1:]
		if err != nil {
			return nil, os.NewSyscallError("socket", err)
		}
	}
	local := cfg.Local
	if !local.Addr().IsValid() {
		local = netip.AddrPortFrom(netip.IPv4Unspecified(), local.Port())
	}
	if local.Port() == 0 {
		local = netip.AddrPortFrom(local.Addr(), uint16(20000+len(k.conns)))
	}
	c := &simConn{t: k.t, k: k, index: len(k.conns), local: local, bell: make(chan struct{}), errorQueue: cfg.ICMPErrors, limit: 1 << 20, space: 1 << 30}
	k.conns = append(k.conns, c)
	return c, nil
}

// failOpens settles what the next Opens meet.
func (k *simKernel) failOpens(errs ...error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.opens = append(k.opens, errs...)
}

// all returns the sockets that were opened.
func (k *simKernel) all() []*simConn {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.conns)
}

// only returns the one socket that was opened.
func (k *simKernel) only() *simConn {
	all := k.all()
	if len(all) != 1 {
		k.t.Fatalf("%d sockets, want 1", len(all))
	}
	return all[0]
}

// A simPacket lies in the receive buffer: one datagram, or a burst of one size
// but for the last.
type simPacket struct {
	from      netip.AddrPort
	to        netip.Addr
	datagrams [][]byte
	truncated bool
}

// A simSent is a datagram that the kernel took.
type simSent struct {
	data []byte
	to   netip.AddrPort
	from netip.Addr
}

// A simConn is a socket of a simKernel.
type simConn struct {
	t     testing.TB
	k     *simKernel
	index int

	receiving, waiting atomic.Bool // one caller at a time

	mu       sync.Mutex
	bell     chan struct{} // closed and replaced when anything changes
	closes   int
	deadline time.Time
	timer    *time.Timer
	work     int // calls since the last rest: a loop that spins makes too many

	buffer   []simPacket
	queued   int     // datagrams in buffer
	draining bool    // reads take what is buffered and do not wait
	limit    int     // of those
	arrived  int     // datagrams that found room
	short    int     // if not 0, the most packets that the next receive call brings
	errs     []error // what the next receive calls meet
	broken   error   // what every receive call meets
	read     int     // errors that receive calls have returned
	async    int     // errors of earlier datagrams that were not told of yet
	pending  bool    // the next receive call tells of them

	space      int     // datagrams that fit into the send buffer
	fates      []error // what the next sends meet, nil for success
	deaf       error   // what every send meets
	sent       []simSent
	sentBytes  int
	interrupt  int // if not 0, a batch stops here to tell of pending errors
	refusals   []kernel.Refusal
	errorQueue bool // WithICMPErrors: refusals have their destinations

	local, peer netip.AddrPort
	unconnected error // what Connect meets
	offload     bool
	shared      bool
	drops       uint64
	calls       kernel.Calls
}

func (c *simConn) ring() {
	close(c.bell)
	c.bell = make(chan struct{})
}

// arrive puts a packet into the receive buffer. What does not fit is dropped,
// a burst as one whole.
func (c *simConn) arrive(p simPacket) (fits bool) {
	c.change(func() {
		n := len(p.datagrams)
		switch {
		case c.closes > 0, c.draining, c.peer.IsValid() && c.peer != p.from:
			return
		case c.queued+n > c.limit:
			c.drops += uint64(n)
			return
		}
		fits = true
		c.arrived += n
		c.queued += n
		if n == 1 || c.offload {
			c.buffer = append(c.buffer, p)
			return
		}
		for _, d := range p.datagrams {
			one := p
			one.datagrams = [][]byte{d}
			c.buffer = append(c.buffer, one)
		}
	})
	return fits
}

// tire says whether a loop has made more calls than there can be work for.
// The caller holds mu.
func (c *simConn) tire() bool {
	if c.work++; c.work == 50_000 {
		c.t.Errorf("socket %d: a loop spins", c.index)
	}
	return c.work >= 50_000
}

// rested says that time has passed.
func (c *simConn) rested() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.work = 0
}
