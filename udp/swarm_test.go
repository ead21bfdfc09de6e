package udp_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.com/dgram/udp"
)

var (
	swarmTime = flag.Duration("swarm", 500*time.Millisecond, "how `long` TestSwarm goes on")
	swarmSeed = flag.Uint64("swarm.seed", 0, "the `seed` of TestSwarm's first sockets, 0 for the clock")
)

// TestSwarm calls every exported method of sockets and views in random order,
// from several goroutines, on sockets with random options, beside peers that send,
// refuse and vanish. Nothing panics, every call returns, every Close returns, nothing
// is left over, and no socket receives more than was sent.
//
//	go test -race ./udp -run Swarm -swarm=1h -timeout 2h
func TestSwarm(t *testing.T) {
	leakless(t)
	seed := *swarmSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	var calls atomic.Int64
	first := seed
	for end := time.Now().Add(*swarmTime); time.Now().Before(end) && !t.Failed(); seed++ {
		door(t, fmt.Sprint("the swarm of seed ", seed), func() { calls.Add(swarm(t, seed, func() {})) })
	}
	t.Logf("%d calls, seeds %d to %d", calls.Load(), first, seed-1)
}

// TestTheSwarmCallsEveryMethod fails when a method is added that the swarm does not
// call.
func TestTheSwarmCallsEveryMethod(t *testing.T) {
	for _, table := range []struct {
		of    reflect.Type
		calls map[string]swarmCall
	}{
		{reflect.TypeFor[*udp.Socket](), socketCalls},
		{reflect.TypeFor[*udp.PacketConn](), viewCalls},
	} {
		for i := range table.of.NumMethod() {
			if name := table.of.Method(i).Name; table.calls[name] == nil {
				t.Errorf("%v.%s is not in the table", table.of, name)
			}
		}
	}
}

// A bee is one goroutine of a swarm.
type bee struct {
	t     testing.TB
	r     *rand.Rand
	s     *udp.Socket
	group netip.Addr
	peers []netip.AddrPort
	sent  *atomic.Int64 // datagrams that any socket of the swarm has sent
}

type swarmCall func(b *bee, ctx context.Context)

// swarm runs one socket and its peers. It returns how many calls were made. After each
// it calls progress.
func swarm(t testing.TB, seed uint64, progress func()) int64 {
	r := rand.New(rand.NewPCG(seed, 1))
	f := families()[r.IntN(len(families()))]
	opts := swarmOptions(r)
	if r.IntN(4) == 0 { // which ends it before its time
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(1+r.IntN(50))*time.Millisecond)
		defer cancel()
		opts = append(opts, udp.WithContext(ctx))
	}
	s, err := udp.New(f.network, opts...)
	if err != nil {
		if !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, context.DeadlineExceeded) { // on a busy machine
			t.Errorf("seed %d: %v", seed, err)
		}
		return 0
	}
	group := netip.MustParseAddr("224.0.0.251")
	if f.network == "udp6" {
		group = netip.MustParseAddr("ff02::fb")
	}
	var sent, calls atomic.Int64
	var peers []netip.AddrPort
	var others []*udp.Socket
	for range 3 {
		if o, err := udp.Listen(context.Background(), f.network, f.local()); err == nil {
			others = append(others, o)
			peers = append(peers, o.LocalAddr())
		}
	}
	var flying sync.WaitGroup
	for g := range 4 + len(others) {
		flying.Go(func() {
			b := &bee{t: t, r: rand.New(rand.NewPCG(seed, uint64(g)+2)), s: s, group: group, peers: peers, sent: &sent}
			if g < len(others) {
				b.bother(others[g], f)
				return
			}
			for range 200 {
				b.call()
				calls.Add(1)
				progress()
			}
		})
	}
	flying.Wait()
	for _, o := range others {
		o.Close()
	}
	s.Close()
	st := s.Stats()
	if st.Received+st.Waiting > uint64(sent.Load()) {
		t.Errorf("seed %d: %+v, and %d were sent", seed, st, sent.Load())
	}
	return calls.Load()
}

// bother sends to the socket, and vanishes now and then.
func (b *bee) bother(o *udp.Socket, f family) {
	for range 100 {
		if to := b.s.LocalAddr(); to.IsValid() {
			if o.SendTo(context.Background(), reachable(f.network, to), make([]byte, b.r.IntN(300))) == nil {
				b.sent.Add(1)
			}
		}
		if b.r.IntN(50) == 0 {
			o.Close()
		}
	}
}

// call makes one random call, which a context bounds.
func (b *bee) call() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(b.r.IntN(2000))*time.Microsecond)
	defer cancel()
	if b.r.IntN(10) == 0 {
		cancel()
	}
	table := socketCalls
	if b.r.IntN(4) == 0 {
		table = viewCalls
	}
	n := b.r.IntN(len(table))
	for _, f := range table {
		if n--; n < 0 {
			f(b, ctx)
			return
		}
	}
}

func (b *bee) peer() netip.AddrPort { return b.peers[b.r.IntN(len(b.peers))] }

func (b *bee) datagrams() []udp.Datagram {
	ds := make([]udp.Datagram, b.r.IntN(40))
	for i := range ds {
		ds[i] = udp.Datagram{Data: make([]byte, b.r.IntN(200)), TOS: uint8(b.r.IntN(2) * 8), TTL: uint8(b.r.IntN(2) * 9)}
		if b.r.IntN(4) > 0 {
			ds[i].To = b.peer()
		}
	}
	return ds
}

// count counts what a call has sent.
func (b *bee) count(n int, err error) {
	if err == nil {
		b.sent.Add(int64(n))
	}
}

func swarmOptions(r *rand.Rand) []udp.Option {
	all := []udp.Option{
		udp.WithReuseAddr(), udp.WithBroadcast(), udp.WithReadBuffer(20_000), udp.WithWriteBuffer(5000), udp.WithMessageBuffer(r.IntN(20)),
		udp.WithErrorBuffer(r.IntN(3)), udp.WithSendQueue(r.IntN(80)), udp.WithOverflow(udp.Overflow(r.IntN(3))), udp.WithMaxDatagram(1 + r.IntN(300)),
		udp.WithTTL(9), udp.WithTOS(8), udp.WithReceiveTTL(), udp.WithReceiveTOS(), udp.WithTimestamps(), udp.WithPacketInfo(r.IntN(2) == 0),
		udp.WithOffload(r.IntN(2) == 0), udp.WithDontFragment(), udp.WithICMPErrors(), udp.WithReaders(1 + r.IntN(2)),
		udp.WithReceiveBlockList(netip.MustParsePrefix("192.0.2.0/24")), udp.WithSendBlockList(netip.MustParsePrefix("192.0.2.0/24")),
	}
	var opts []udp.Option
	for range r.IntN(5) {
		opts = append(opts, all[r.IntN(len(all))])
	}
	return opts
}

// some receives from a channel for as long as there is something, and ctx allows.
func some[T any](ctx context.Context, c <-chan T) {
	for range 20 {
		select {
		case _, more := <-c:
			if !more {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// bounded gives a call on the view deadlines that pass soon, whatever other
// goroutines set them to meanwhile: it sets them again and again.
func bounded(f func(b *bee, v *udp.PacketConn)) swarmCall {
	return func(b *bee, ctx context.Context) {
		v := b.s.PacketConn()
		returned := make(chan struct{})
		var kicks sync.WaitGroup
		kicks.Go(func() {
			for {
				select {
				case <-returned:
					return
				case <-time.After(500 * time.Microsecond):
					if errors.Is(v.SetDeadline(time.Now()), os.ErrClosed) {
						return
					}
				}
			}
		})
		f(b, v)
		close(returned)
		kicks.Wait()
		_ = v.SetDeadline(time.Time{})
	}
}

func look(c <-chan struct{}) {
	select {
	case <-c:
	default:
	}
}
