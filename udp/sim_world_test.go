package udp_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/ipv4"

	"example.com/dgram/udp"
)

// A world is one socket on a simulated kernel, those who use it, and a model
// of what must be true of them.
type world struct {
	t    testing.TB
	r    *rand.Rand
	k    *simKernel
	s    *udp.Socket
	plan plan

	end context.CancelCauseFunc // of the socket's context

	tokens chan struct{}   // each lets the consumer take one message
	gone   chan struct{}   // closed when the consumer has stopped
	calls  *sync.WaitGroup // sends, flushes and closes on their way
	cancel []context.CancelFunc

	mu       sync.Mutex
	next     uint64             // number of the next datagram
	channel  <-chan udp.Message // once the consumer has it
	expected map[netip.AddrPort][]simPacket
	taken    int    // messages that were received
	received uint64 // Stats.Received as it was last seen
	bytes    int    // of them
	yielded  int    // errors that a loop was given
	kept     []kept
	fates    map[uint64]error // of what was handed to a Send: nil is sent
	queued   []uint64         // what went into the Outbox, in order
	shut     bool             // the Outbox was closed by its user
	fatal    error            // the errno that must end the socket
	log      []string
}

// A plan is what a seed settles at the start.
type plan struct {
	mode      mode
	readers   int
	overflow  udp.Overflow
	messages  int
	errors    int
	queue     int
	limit     int
	offload   *bool
	block     bool
	icmp      bool
	connected bool
	late      bool // made unbound, bound by what comes first
}

type mode int

const (
	byChannel mode = iota
	byLoop
	byView
)

// A kept message is one whose bytes nobody may touch.
type kept struct {
	m    udp.Message
	want []byte
}

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

func newPlan(r *rand.Rand) plan {
	off, on := false, true
	p := plan{
		mode:     pick(r, byChannel, byChannel, byLoop, byView),
		readers:  1,
		overflow: pick(r, udp.OverflowBlock, udp.OverflowBlock, udp.OverflowDropNewest, udp.OverflowDropOldest),
		messages: pick(r, 0, 1, 2, 16, 64),
		errors:   pick(r, 0, 1, 16),
		queue:    pick(r, 0, 1, 8, 64),
		limit:    pick(r, 65535, 65535, 100, 1),
		offload:  pick(r, nil, nil, &on, &off),
		block:    r.IntN(4) == 0,
		icmp:     r.IntN(4) == 0,
		late:     r.IntN(4) == 0,
	}
	if p.mode == byChannel {
		p.readers = pick(r, 1, 1, 1, 3)
	}
	p.connected = p.readers == 1 && r.IntN(4) == 0
	return p
}

var (
	friend  = netip.MustParseAddrPort("192.0.2.1:7")
	blocked = netip.MustParseAddrPort("198.51.100.1:7")
	simAddr = netip.MustParseAddr("192.0.2.99")
)

// peer is who sends to a socket: each has its own, so that a message tells
// which socket it came through.
func peer(index int) netip.AddrPort { return netip.AddrPortFrom(friend.Addr(), uint16(7+index)) }

func (p plan) options(ctx context.Context) []udp.Option {
	o := []udp.Option{
		udp.WithContext(ctx),
		udp.WithReaders(p.readers),
		udp.WithOverflow(p.overflow),
		udp.WithMessageBuffer(p.messages),
		udp.WithErrorBuffer(p.errors),
		udp.WithSendQueue(p.queue),
		udp.WithMaxDatagram(p.limit),
	}
	if p.offload != nil {
		o = append(o, udp.WithOffload(*p.offload))
	}
	if p.block {
		list := netip.PrefixFrom(blocked.Addr(), 24)
		o = append(o, udp.WithReceiveBlockList(list), udp.WithSendBlockList(list))
	}
	if p.icmp {
		o = append(o, udp.WithICMPErrors())
	}
	return o
}

// newWorld makes the world of a seed. The caller is in a bubble.
func newWorld(t testing.TB, seed uint64) *world {
	r := rand.New(rand.NewPCG(seed, 0))
	w := &world{
		t:        t,
		r:        r,
		k:        newSimKernel(t),
		plan:     newPlan(r),
		tokens:   make(chan struct{}, 1<<16),
		gone:     make(chan struct{}),
		calls:    new(sync.WaitGroup),
		expected: map[netip.AddrPort][]simPacket{},
		fates:    map[uint64]error{},
	}
	w.note("%+v", w.plan)
	ctx, end := context.WithCancelCause(context.Background())
	w.end = end
	var err error
	switch p := w.plan; {
	case p.late:
		w.s, err = udp.NewOn(w.k, "udp4", p.options(ctx)...)
	case p.connected:
		w.s, err = udp.DialOn(context.Background(), w.k, "udp4", friend.String(), p.options(ctx)...)
	default:
		w.s, err = udp.ListenOn(context.Background(), w.k, "udp4", "", p.options(ctx)...)
	}
	if err != nil {
		t.Fatal(err)
	}
	go w.consume()
	return w
}

func (w *world) note(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.log = append(w.log, fmt.Sprintf(format, args...))
}

// consume receives as many messages as there are tokens.
func (w *world) consume() {
	defer close(w.gone)
	switch w.plan.mode {
	case byChannel:
		for range w.tokens {
			m, ok := <-w.messages()
			if !ok {
				return
			}
			w.receive(m)
		}
		for m := range w.messages() {
			w.receive(m)
		}
	case byLoop:
		r := rand.New(rand.NewPCG(w.r.Uint64(), 1))
		for w.s.Stats(); ; {
			select {
			case <-w.s.Done():
				return
			default:
			}
			w.loop(r)
		}
	case byView:
		r := rand.New(rand.NewPCG(w.r.Uint64(), 1))
		v := w.s.PacketConn()
		for range w.tokens {
			if !w.view(r, v) {
				break
			}
		}
		<-w.s.Done()
	}
}

// messages is the channel, from when the consumer first asks: its readers start
// then.
func (w *world) messages() <-chan udp.Message {
	c := w.s.Messages()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.channel = c
	return c
}

// loop is one loop of All.
func (w *world) loop(r *rand.Rand) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if r.IntN(4) == 0 {
		ctx, cancel = context.WithTimeout(ctx, time.Duration(r.IntN(200))*time.Millisecond)
		defer cancel()
	}
	awake := time.Now() // since when the loop, not its body, has had the time
	for m, err := range w.s.All(ctx) {
		if err != nil {
			w.mu.Lock()
			w.yielded++
			w.mu.Unlock()
			continue
		}
		w.receive(m)
		select {
		case <-w.tokens:
		case <-w.s.Done():
		}
		if r.IntN(10) == 0 {
			return
		}
		awake = time.Now()
	}
	if end, ok := ctx.Deadline(); ok && awake.Before(end) && time.Now().After(end) {
		w.t.Errorf("a loop ended %v after its context", time.Since(end))
	}
}

// A view is what PacketConn returns.
type PacketConn interface {
	net.PacketConn
	ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error)
	ReadBatch(ms []ipv4.Message, flags int) (int, error)
}

// view reads through a view once.
func (w *world) view(r *rand.Rand, v PacketConn) bool {
	if r.IntN(4) == 0 {
		_ = v.SetReadDeadline(time.Now().Add(time.Duration(r.IntN(100)) * time.Millisecond))
	} else {
		_ = v.SetReadDeadline(time.Time{})
	}
	var err error
	if r.IntN(3) > 0 {
		b := make([]byte, 1<<16)
		var n int
		var from netip.AddrPort
		if n, from, err = v.ReadFromUDPAddrPort(b); err == nil {
			w.receive(udp.Message{Data: b[:n], From: from})
		}
	} else {
		ms := make([]ipv4.Message, 4)
		for i := range ms {
			ms[i].Buffers = [][]byte{make([]byte, 1<<16)}
		}
		var n int
		n, err = v.ReadBatch(ms, 0)
		for _, m := range ms[:n] {
			w.receive(udp.Message{Data: m.Buffers[0][:m.N], From: m.Addr.(*net.UDPAddr).AddrPort()})
		}
	}
	switch {
	case err == nil, errors.Is(err, os.ErrDeadlineExceeded):
		return true
	case errors.Is(err, net.ErrClosed):
		return false
	}
	w.mu.Lock()
	w.yielded++
	w.mu.Unlock()
	return true
}

// receive checks a message against what arrived: nothing out of order, nothing
// twice, nothing changed.
func (w *world) receive(m udp.Message) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.taken++
	w.bytes += len(m.Data)
	queue := w.expected[m.From]
	skipped := 0
	for ; skipped < len(queue); skipped++ {
		if w.is(m, queue[skipped]) {
			break
		}
	}
	if skipped == len(queue) {
		w.t.Errorf("message of %d bytes from %v did not arrive, not in this order or not that often", len(m.Data), m.From)
		return
	}
	w.expected[m.From] = queue[skipped+1:]
	if skipped > 0 && w.plan.overflow == udp.OverflowBlock {
		w.t.Errorf("%d datagrams from %v were skipped", skipped, m.From)
	}
	w.kept = append(w.kept, kept{m, bytes.Clone(m.Data)})
}

// is tells whether a message is what became of a datagram.
func (w *world) is(m udp.Message, p simPacket) bool {
	data := p.datagrams[0]
	cut := len(data) > w.plan.limit
	if cut {
		data = data[:w.plan.limit]
	}
	if w.plan.mode != byView && (m.Truncated != (cut || p.truncated) || m.To != p.to) {
		return false
	}
	return bytes.Equal(m.Data, data)
}

// release looks whether kept messages are as they were, and releases some,
// some of them twice.
func (w *world) release() {
	w.mu.Lock()
	defer w.mu.Unlock()
	rest := w.kept[:0]
	for _, k := range w.kept {
		if !bytes.Equal(k.m.Data, k.want) {
			w.t.Errorf("a message of %d bytes changed after it was received", len(k.want))
		}
		switch w.r.IntN(4) {
		case 0: // left to the garbage collector
		case 1:
			k.m.Release()
			again := k.m
			again.Release()
		default:
			rest = append(rest, k)
		}
	}
	w.kept = rest
}

// payload makes the bytes of the next datagram: its number, as far as they
// reach.
func (w *world) payload(size int) []byte {
	w.next++
	b := make([]byte, size)
	var id [8]byte
	binary.BigEndian.PutUint64(id[:], w.next)
	copy(b, id[:])
	for i := 8; i < size; i++ {
		b[i] = byte(w.next) + byte(i)
	}
	return b
}

// arrive lets datagrams arrive on a random kernel socket.
func (w *world) arrive() {
	conns := w.k.all()
	if len(conns) == 0 {
		return
	}
	c := pick(w.r, conns...)
	p := simPacket{from: peer(c.index), to: simAddr}
	if w.plan.block && w.r.IntN(3) == 0 {
		p.from = blocked
	}
	size, n := pick(w.r, 0, 1, 7, 8, 9, 200, 1200, 9000, 65507), 1
	if w.r.IntN(3) == 0 && size > 0 {
		n = 1 + w.r.IntN(min(64, 65507/size))
	}
	w.mu.Lock()
	for range n {
		p.datagrams = append(p.datagrams, w.payload(size))
	}
	if n > 1 && w.r.IntN(2) == 0 {
		p.datagrams[n-1] = p.datagrams[n-1][:1+w.r.IntN(size)]
	}
	p.truncated = n == 1 && w.r.IntN(20) == 0
	w.mu.Unlock()

	w.mu.Lock() // nobody receives before it is expected
	defer w.mu.Unlock()
	if c.arrive(p) && p.from != blocked {
		for _, d := range p.datagrams {
			one := p
			one.datagrams = [][]byte{d}
			w.expected[p.from] = append(w.expected[p.from], one)
		}
	}
}

// readFaults are what a receive call meets and survives, newsFaults what a
// send meets that is about another, sendFaults what it is told itself.
var (
	readFaults = []error{
		syscall.EINTR, syscall.EAGAIN, syscall.ENOBUFS, syscall.ENOMEM, syscall.EPERM, syscall.ECONNREFUSED,
		syscall.EIO, syscall.ENETDOWN, syscall.EHOSTUNREACH, syscall.EMSGSIZE, os.ErrDeadlineExceeded,
	}
	newsFaults  = []error{syscall.ECONNREFUSED, syscall.EHOSTUNREACH, syscall.ENETUNREACH}
	sendFaults  = []error{syscall.ENOMEM, syscall.EPERM, syscall.EIO, syscall.ENETDOWN, syscall.EMSGSIZE, syscall.EACCES, syscall.EINVAL}
	fatalFaults = []error{syscall.EBADF, syscall.ECONNABORTED, syscall.ENOTSOCK}
)

// context is one that a later step may cancel.
func (w *world) context() context.Context {
	switch w.r.IntN(4) {
	case 0:
		ctx, cancel := context.WithCancel(context.Background())
		w.cancel = append(w.cancel, cancel)
		return ctx
	case 1:
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(w.r.IntN(500))*time.Millisecond)
		w.cancel = append(w.cancel, cancel)
		return ctx
	}
	return context.Background()
}

// outgoing makes a datagram to send.
func (w *world) outgoing() (id uint64, d udp.Datagram) {
	w.mu.Lock()
	defer w.mu.Unlock()
	d.Data = w.payload(pick(w.r, 8, 8, 100, 1400, 9000))
	d.To = friend
	if w.plan.block && w.r.IntN(8) == 0 {
		d.To = blocked
	}
	if w.s.RemoteAddr().IsValid() && w.r.IntN(8) > 0 {
		d.To = netip.AddrPort{}
	}
	return w.next, d
}

// beside runs a call while the steps go on.
func (w *world) beside(f func()) {
	w.calls.Go(f)
}

func (w *world) decide(id uint64, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fates[id] = err
}

func (w *world) send() {
	ctx := w.context()
	id, d := w.outgoing()
	m := udp.Message{From: d.To, To: simAddr}
	reply := w.r.IntN(4) == 0
	w.beside(func() {
		switch {
		case !d.To.IsValid():
			w.decide(id, w.s.Send(ctx, d.Data[:4], d.Data[4:]))
		case reply:
			w.decide(id, w.s.Reply(ctx, m, d.Data))
		default:
			w.decide(id, w.s.SendTo(ctx, d.To, d.Data))
		}
	})
}

func (w *world) sendBatch() {
	ctx := w.context()
	ids, ds := make([]uint64, 1+w.r.IntN(300)), []udp.Datagram{}
	for i := range ids {
		id, d := w.outgoing()
		ids[i], ds = id, append(ds, d)
	}
	w.beside(func() {
		n, err := w.s.SendBatch(ctx, ds)
		if n < len(ds) && err == nil {
			w.t.Errorf("%d of %d were sent, and no error", n, len(ds))
		}
		failures := sendErrors(err)
		for i, id := range ids {
			switch e := failures[i]; {
			case e != nil:
				w.decide(id, fmt.Errorf("not sent: %w", e))
			case n > 0:
				w.decide(id, nil)
				n--
			default:
				w.decide(id, fmt.Errorf("not reached: %w", err))
			}
		}
	})
}

// queue puts datagrams into the Outbox as long as there is room.
func (w *world) queue() {
	if w.shut {
		return
	}
	out := w.s.Outbox()
	for range 1 + w.r.IntN(100) {
		id, d := w.outgoing()
		select {
		case out <- d:
			w.mu.Lock()
			w.queued = append(w.queued, id)
			w.mu.Unlock()
		default:
			return
		}
	}
}

func (w *world) flush() {
	ctx := w.context()
	w.mu.Lock()
	before := len(w.queued)
	w.mu.Unlock()
	w.beside(func() {
		if err := w.s.Flush(ctx); err != nil {
			return
		}
		dropped := int(w.s.Stats().SendDropped)
		w.mu.Lock()
		ids := w.queued[:before]
		w.mu.Unlock()
		if out := w.sentOf(ids); out+dropped < before {
			w.t.Errorf("flushed, yet of %d queued datagrams %d were sent and %d failed", before, out, dropped)
		}
	})
}

// sentOf counts those that the kernel has.
func (w *world) sentOf(ids []uint64) (n int) {
	sent := w.sent()
	for _, id := range ids {
		if sent[id] > 0 {
			n++
		}
	}
	return n
}

// sent counts how often the kernel took each datagram.
func (w *world) sent() map[uint64]int {
	sent := map[uint64]int{}
	for _, c := range w.k.all() {
		c.mu.Lock()
		for _, d := range c.sent {
			sent[binary.BigEndian.Uint64(d.data)]++
		}
		c.mu.Unlock()
	}
	return sent
}

// settle waits until nothing moves.
func (w *world) settle() {
	synctest.Wait()
	for _, c := range w.k.all() {
		c.rested()
	}
}

// pass lets time go by.
func (w *world) pass(d time.Duration) {
	for range 20 {
		time.Sleep(d / 20)
		w.settle()
	}
}
