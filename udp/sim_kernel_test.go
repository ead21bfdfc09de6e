package udp_test

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/ipv4"

	"example.com/dgram/internal/kernel"
	"example.com/dgram/internal/slab"
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

// change does something to the socket and tells those who wait.
func (c *simConn) change(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
	c.ring()
}

// ease makes room in the send buffer. Those who wait have not heard of it.
func (c *simConn) ease() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.space = 1 << 30
}

// texts is what was sent.
func (c *simConn) texts() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []string
	for _, s := range c.sent {
		all = append(all, string(s.data))
	}
	return fmt.Sprint(all)
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

// take waits for packets, at most n of them.
func (c *simConn) take(n int) ([]simPacket, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for told := c.pending; ; {
		if err := c.ready(); err != nil {
			return nil, err
		}
		if c.tire() {
			return nil, net.ErrClosed
		}
		if c.pending && (told || len(c.errs)+len(c.buffer) == 0) {
			c.read += c.async
			c.async, c.pending = 0, false
			return nil, kernel.ErrPending
		}
		c.calls.Read++
		if len(c.errs) > 0 || c.broken != nil {
			err := c.broken
			if len(c.errs) > 0 {
				err, c.errs = c.errs[0], c.errs[1:]
			}
			if err == syscall.EINTR || err == syscall.EAGAIN {
				continue // the kernel package tries again
			}
			if err == os.ErrDeadlineExceeded {
				return nil, err
			}
			errno := err.(syscall.Errno)
			if err != c.broken && !kernel.IsSocketGone(errno) && !kernel.IsMemoryShort(errno) {
				if !c.errorQueue || len(c.refusals) == 0 {
					c.refusals = append(c.refusals, kernel.Refusal{Errno: errno})
					c.async++
				}
				c.pending = true
				continue
			}
			c.read++
			return nil, os.NewSyscallError("recvmmsg", err)
		}
		if len(c.buffer) > 0 {
			if c.short > 0 {
				n, c.short = min(n, c.short), 0
			}
			return c.cut(n), nil
		}
		bell := c.bell
		c.mu.Unlock()
		<-bell
		c.mu.Lock()
	}
}

// ready says why nobody may read. The caller holds mu.
func (c *simConn) ready() error {
	switch {
	case c.closes > 0:
		return net.ErrClosed
	case c.draining && len(c.buffer) == 0 && len(c.errs) == 0 && c.broken == nil && !c.pending:
		return kernel.ErrDrained
	case !c.draining && !c.deadline.IsZero() && !time.Now().Before(c.deadline):
		return os.ErrDeadlineExceeded
	}
	return nil
}

// alone checks that a call has no company.
func (c *simConn) alone(busy *atomic.Bool, call string) func() {
	if busy.Swap(true) {
		c.t.Errorf("socket %d: two callers of %s", c.index, call)
	}
	return func() { busy.Store(false) }
}

// waits reports whether a read would wait, or fail.
func (c *simConn) waits() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.buffer) == 0
}

func (c *simConn) Receive(s kernel.Sink, once bool) error {
	defer c.alone(&c.receiving, "Receive")()
	var copies slab.Writer
	for {
		if c.waits() {
			if s.Idle() && !s.Wait() {
				return nil
			}
		}
		room := s.Room()
		if room < 1 {
			c.t.Errorf("socket %d: room for %d packets", c.index, room)
		}
		got, err := c.take(min(max(room, 1), 16))
		if err != nil {
			return err
		}
		deliver(s, got, &copies)
		if s.Pending() && !s.Wait() || once {
			return nil
		}
	}
}

// deliver hands packets to a sink in scratch memory, and spoils it afterwards.
func deliver(s kernel.Sink, got []simPacket, copies *slab.Writer) {
	packets := make([]kernel.Packet, len(got))
	blocks := make([]*slab.Block, len(got))
	for i, p := range got {
		blocks[i] = slab.Take()
		data := blocks[i].Bytes()[:0]
		for _, d := range p.datagrams {
			data = append(data, d...)
		}
		packets[i] = kernel.Packet{Data: data, From: p.from, To: p.to, Truncated: p.truncated}
		if len(p.datagrams) > 1 {
			packets[i].Segment = len(p.datagrams[0])
		}
	}
	batch := kernel.NewBatch(packets, slices.Clone(blocks), copies)
	s.Deliver(&batch)
	for i, b := range blocks {
		if batch.Took(i) {
			continue
		}
		for k := range packets[i].Data {
			packets[i].Data[k] = 0xee
		}
		slab.Return(b)
	}
	clear(packets)
}

func (c *simConn) ReadMsg(b, oob []byte, p *kernel.Packet) (n, oobn, flags int, err error) {
	defer c.alone(&c.receiving, "ReadMsg")()
	got, err := c.take(1)
	if err != nil {
		return 0, 0, 0, err
	}
	if len(got[0].datagrams) > 1 {
		c.t.Errorf("socket %d: a burst for a caller who wants datagrams", c.index)
	}
	*p = kernel.Packet{From: got[0].from, To: got[0].to}
	return copy(b, got[0].datagrams[0]), 0, 0, nil
}

func (c *simConn) ReadMsgs(ms []ipv4.Message, _ int) (int, error) {
	defer c.alone(&c.receiving, "ReadMsgs")()
	got, err := c.take(len(ms))
	for i, p := range got {
		ms[i].N = copy(ms[i].Buffers[0], p.datagrams[0])
		ms[i].Addr = net.UDPAddrFromAddrPort(p.from)
	}
	return len(got), err
}

// Strangers counts nothing: the buffer has none.
func (c *simConn) Strangers() uint64 { return 0 }

// Borrow is SyscallConn.
func (c *simConn) Borrow() syscall.RawConn { return c.SyscallConn() }

// TryReceive delivers what is there now.
func (c *simConn) TryReceive(s kernel.Sink) error {
	defer c.alone(&c.receiving, "TryReceive")()
	var copies slab.Writer
	got, err := c.takeNow(min(max(s.Room(), 1), 16))
	if err != nil || len(got) == 0 {
		return err
	}
	deliver(s, got, &copies)
	return nil
}

func (c *simConn) takeNow(n int) ([]simPacket, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls.Read++
	switch {
	case c.closes > 0:
		return nil, net.ErrClosed
	case len(c.errs) > 0:
		err := c.errs[0]
		c.errs = c.errs[1:]
		return nil, os.NewSyscallError("recvmmsg", err)
	case c.draining && len(c.buffer) == 0:
		return nil, kernel.ErrDrained
	}
	return c.cut(n), nil
}

// cut takes up to n packets out of the buffer. The caller holds mu.
func (c *simConn) cut(n int) []simPacket {
	n = min(n, len(c.buffer))
	got := slices.Clone(c.buffer[:n])
	c.buffer = slices.Delete(c.buffer, 0, n)
	for _, p := range got {
		c.queued -= len(p.datagrams)
	}
	return got
}

// Queued reports whether the buffer holds a packet.
func (c *simConn) Queued() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.buffer) > 0
}

// Drain makes the socket deaf.
func (c *simConn) Drain() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closes > 0 {
		return net.ErrClosed
	}
	c.draining = true
	c.ring()
	return nil
}

func (c *simConn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closes > 0 {
		return net.ErrClosed
	}
	c.deadline = t
	if c.timer != nil {
		c.timer.Stop()
	}
	if left := time.Until(t); !t.IsZero() && left > 0 {
		c.timer = time.AfterFunc(left, func() { c.change(func() {}) })
	}
	c.ring()
	return nil
}

// accept is a send. The caller holds mu.
func (c *simConn) accept(d *kernel.Datagram) error {
	c.calls.Write++
	if c.closes > 0 || c.tire() {
		return net.ErrClosed
	}
	fate := c.deaf
	if len(c.fates) > 0 {
		fate, c.fates = c.fates[0], c.fates[1:]
	}
	if fate == nil && c.space == 0 {
		fate = syscall.EAGAIN
	}
	if fate != nil {
		return os.NewSyscallError("sendmsg", fate)
	}
	c.space--
	data := slices.Concat(append([][]byte{d.Data}, d.More...)...)
	to := d.To
	if !to.IsValid() {
		to = c.peer
	}
	c.sent = append(c.sent, simSent{data, to, d.From})
	c.sentBytes += len(data)
	return nil
}

func (c *simConn) Send(d *kernel.Datagram, _ []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.accept(d)
}

func (c *simConn) SendTo(b []byte, to netip.AddrPort) error {
	return c.Send(&kernel.Datagram{Data: b, To: to}, nil)
}

func (c *simConn) SendBatch(ds []kernel.Datagram) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range ds {
		if i == c.interrupt && i > 0 {
			c.interrupt = 0
			return i, kernel.ErrPending
		}
		if err := c.accept(&ds[i]); err != nil {
			return i, err
		}
	}
	return len(ds), nil
}

func (c *simConn) SendWait(d *kernel.Datagram, _ []byte, stop <-chan struct{}) error {
	defer c.alone(&c.waiting, "SendWait")()
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		err := c.accept(d)
		if !errors.Is(err, syscall.EAGAIN) {
			return err
		}
		bell := c.bell
		c.mu.Unlock()
		select {
		case <-bell:
		case <-stop:
			c.mu.Lock()
			return kernel.ErrStopped
		}
		c.mu.Lock()
	}
}

func (c *simConn) Connect(peer netip.AddrPort) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closes > 0 {
		return net.ErrClosed
	}
	if err := c.unconnected; err != nil {
		c.unconnected = nil
		return os.NewSyscallError("connect", err)
	}
	if peer.Addr() == c.k.unreachable {
		return os.NewSyscallError("connect", syscall.ENETUNREACH)
	}
	c.peer = peer
	return nil
}

func (c *simConn) Disconnect(netip.AddrPort) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.peer = netip.AddrPort{}
	return nil
}

func (c *simConn) LocalAddr() (netip.AddrPort, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closes > 0 {
		return netip.AddrPort{}, net.ErrClosed
	}
	return c.local, nil
}

func (c *simConn) RemoteAddr() (netip.AddrPort, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.peer.IsValid() {
		return netip.AddrPort{}, os.NewSyscallError("getpeername", syscall.ENOTCONN)
	}
	return c.peer, nil
}

func (c *simConn) Index(zone string) (int, error) { return 0, kernel.ZoneError(zone) }

func (c *simConn) SetOption(kernel.Option, int) error { return nil }
func (c *simConn) Option(kernel.Option) (int, error)  { return 0, nil }
func (c *simConn) SyscallConn() syscall.RawConn       { return nil }
func (c *simConn) Dup() (*os.File, error)             { return nil, errors.ErrUnsupported }

func (c *simConn) Datagrams(int, []byte) int { return 1 }

func (c *simConn) SetOffload(on bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offload = on
	return nil
}

func (c *simConn) Drops() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.drops
}

func (c *simConn) Calls() kernel.Calls {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calls
}

func (c *simConn) NextRefusal() (kernel.Refusal, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.refusals) == 0 {
		return kernel.Refusal{}, false
	}
	r := c.refusals[0]
	c.refusals = c.refusals[1:]
	return r, true
}

func (c *simConn) Discard() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.shared {
		return 0
	}
	n := c.queued
	c.buffer, c.queued = nil, 0
	return uint64(n)
}

func (c *simConn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closes++; c.closes > 1 {
		c.t.Errorf("socket %d: closed %d times", c.index, c.closes)
		return net.ErrClosed
	}
	if c.timer != nil {
		c.timer.Stop()
	}
	c.ring()
	return nil
}

// String is for messages of tests.
func (c *simConn) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return fmt.Sprintf("socket %d: %d arrived, %d wait, %d sent, room for %d", c.index, c.arrived, c.queued, len(c.sent), c.space)
}
