package udp_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

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
