package udptest_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"example.com/dgram/udp"
	"example.com/dgram/udp/udptest"
)

// Sockets of every kind live on a simulated network: they send and receive in all
// ways, connect, drain, close and are closed, while the network loses, repeats and
// partitions. What they counted is what the network carried: every datagram that
// reached a socket was taken or is in one of the drop counters, and a flow keeps
// its order.
//
//	go test ./udp/udptest -run LivesOnANetwork -seeds 20000
func TestLivesOnANetwork(t *testing.T) {
	for seed := uint64(1); seed <= uint64(*seeds) && !t.Failed(); seed++ {
		synctest.Test(t, func(t *testing.T) {
			liveOnANetwork(t, rand.New(rand.NewPCG(seed, 7)))
			if t.Failed() {
				t.Logf("seed %d", seed)
			}
		})
	}
}

// A resident is a socket on the network and what takes its datagrams.
type resident struct {
	s       *udp.Socket
	host    *udptest.Host
	kind    string
	cancel  context.CancelFunc // ends the socket
	number  uint32             // of the next datagram
	mu      sync.Mutex
	taken   uint64
	last    map[netip.AddrPort]uint32
	ordered bool
}

func liveOnANetwork(t *testing.T, r *rand.Rand) {
	n := udptest.NewNetwork(t, udptest.Seed(r.Uint64()))
	hosts := []*udptest.Host{n.Host("192.0.2.1/24"), n.Host("192.0.2.2/24"), n.Host("192.0.2.3/24")}
	ordered := r.IntN(2) == 0
	for i, a := range hosts {
		for _, b := range hosts[:i] {
			opts := []udptest.LinkOption{udptest.Latency(time.Duration(r.IntN(3)) * time.Millisecond)}
			if r.IntN(2) == 0 {
				opts = append(opts, udptest.Loss(0.1), udptest.Rate(1000000, 20000))
			}
			if !ordered {
				opts = append(opts, udptest.Duplicate(0.1), udptest.Reorder(0.1, 5*time.Millisecond))
			}
			n.Link(a, b, opts...)
		}
	}
	var all []*resident
	var takers sync.WaitGroup
	for i, h := range hosts {
		for k := range 2 {
			all = append(all, newResident(t, r, h, uint16(7000+10*i+k), ordered, &takers))
		}
	}
	for range 150 {
		stir(t, r, n, hosts, all)
	}
	time.Sleep(time.Minute)
	for _, x := range all {
		ok(t, x.s.Close())
	}
	takers.Wait()
	reckon(t, n, all)
}

func newResident(t *testing.T, r *rand.Rand, h *udptest.Host, port uint16, ordered bool, takers *sync.WaitGroup) *resident {
	ctx, cancel := context.WithCancel(t.Context())
	x := &resident{host: h, cancel: cancel, last: map[netip.AddrPort]uint32{}, ordered: ordered}
	x.kind = pick(r, "channel", "channel", "loop", "receive", "batch", "try", "view", "nobody")
	opts := []udp.Option{
		udp.WithMessageBuffer(pick(r, 0, 1, 16)), udp.WithSendQueue(pick(r, 0, 4, 64)), udp.WithErrorBuffer(pick(r, 0, 4)),
		udp.WithOverflow(pick(r, udp.OverflowBlock, udp.OverflowBlock, udp.OverflowDropNewest, udp.OverflowDropOldest)),
		udp.WithReadBuffer(pick(r, 3000, 100000)),
	}
	if x.kind == "channel" && r.IntN(3) == 0 {
		opts = append(opts, udp.WithReaders(2))
		x.ordered = false // connecting moves senders from one reader to another
	}
	if r.IntN(3) == 0 {
		opts = append(opts, udp.WithICMPErrors())
	}
	if r.IntN(4) == 0 {
		opts = append(opts, udp.WithReceiveBlockList(netip.MustParsePrefix("192.0.2.3/32")))
	}
	s, err := h.Listen(ctx, "udp4", fmt.Sprintf(":%d", port), opts...)
	ok(t, err)
	x.s = s
	pace := r.IntN(3)
	takers.Go(func() { x.take(t, pace) })
	return x
}

// take takes datagrams in the resident's way until the socket ends.
func (x *resident) take(t *testing.T, pace int) {
	rest := func() { time.Sleep(time.Duration(pace) * time.Millisecond) }
	switch x.kind {
	case "channel":
		for m := range x.s.Messages() {
			x.took(t, m)
			rest()
		}
	case "loop":
		for m, err := range x.s.All(context.Background()) {
			if err == nil {
				x.took(t, m)
			}
			rest()
		}
	case "receive":
		for !x.ended() {
			if m, err := x.s.Receive(context.Background()); err == nil {
				x.took(t, m)
			} else {
				time.Sleep(time.Millisecond)
			}
		}
	case "batch":
		ms := make([]udp.Message, 3)
		for !x.ended() {
			got, err := x.s.ReceiveBatch(context.Background(), ms)
			for _, m := range ms[:got] {
				x.took(t, m)
			}
			if err != nil {
				time.Sleep(time.Millisecond)
			}
		}
	case "try":
		for !x.ended() {
			for m, there := x.s.TryReceive(); there; m, there = x.s.TryReceive() {
				x.took(t, m)
			}
			time.Sleep(5 * time.Millisecond)
		}
	case "view":
		b := make([]byte, 100)
		for view := x.s.PacketConn(); !x.ended(); {
			if got, from, err := view.ReadFromUDPAddrPort(b); err == nil {
				x.took(t, udp.Message{Data: b[:got], From: from})
			} else {
				time.Sleep(time.Millisecond)
			}
		}
	}
}

func (x *resident) ended() bool {
	select {
	case <-x.s.Done():
		return true
	default:
		return false
	}
}

// took checks that a flow keeps its order.
func (x *resident) took(t *testing.T, m udp.Message) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.taken++
	number := binary.BigEndian.Uint32(m.Data)
	if last, known := x.last[m.From]; x.ordered && known && number <= last {
		t.Errorf("%s: datagram %d from %v after %d", x.kind, number, m.From, last)
	}
	x.last[m.From] = number
	m.Release()
}

// next is the resident's next payload.
func (x *resident) next(r *rand.Rand) []byte {
	x.number++
	return append(binary.BigEndian.AppendUint32(nil, x.number), make([]byte, r.IntN(60))...)
}

// stir does something to a resident or to the network.
func stir(t *testing.T, r *rand.Rand, n *udptest.Network, hosts []*udptest.Host, all []*resident) {
	x, y := pick(r, all...), pick(r, all...)
	to := netip.AddrPortFrom(y.host.Addr(), y.s.LocalAddr().Port())
	if r.IntN(8) == 0 {
		to = netip.AddrPortFrom(hosts[r.IntN(3)].Addr(), 9) // where no socket is
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	switch r.IntN(24) {
	case 0, 1, 2, 3, 4:
		for range 1 + r.IntN(10) {
			_ = x.s.SendTo(ctx, to, x.next(r))
		}
	case 5, 6, 7:
		var batch []udp.Datagram
		for range 1 + r.IntN(40) {
			batch = append(batch, udp.Datagram{To: to, Data: x.next(r)})
		}
		_, _ = x.s.SendBatch(ctx, batch)
	case 8, 9:
		for range 1 + r.IntN(20) {
			select {
			case x.s.Outbox() <- udp.Datagram{To: to, Data: x.next(r)}:
			case <-ctx.Done():
			case <-x.s.Done():
			}
		}
		_ = x.s.Flush(context.Background()) // before another way to send: a flow has one order
	case 10:
		_ = x.s.Connect(ctx, to.String())
	case 11, 12:
		_ = x.s.Disconnect()
	case 13:
		_ = x.s.Send(ctx, x.next(r))
	case 14:
		n.Partition(hosts[0], hosts[1+r.IntN(2)])
	case 15, 16:
		n.Heal(hosts[0], hosts[1+r.IntN(2)])
	case 17:
		if r.IntN(6) == 0 {
			ok(t, x.s.Close())
		}
	case 18:
		if r.IntN(6) == 0 {
			x.cancel()
		}
	case 19:
		if r.IntN(6) == 0 {
			_ = x.s.Drain(ctx)
		}
	default:
		time.Sleep(time.Duration(r.IntN(20)) * time.Millisecond)
	}
}

// reckon compares what the sockets counted with what the network carried.
func reckon(t *testing.T, n *udptest.Network, all []*resident) {
	t.Helper()
	var sent, had, dropped uint64
	for _, x := range all {
		st := x.s.Stats()
		same(t, x.kind+": Received", st.Received, x.taken)
		sent += st.Sent
		had += st.Received + st.Waiting + st.DroppedOverflow + st.DroppedBlocked + st.DroppedClosed
		dropped += st.DroppedKernel
	}
	totals := n.Totals()
	same(t, "sent", sent, totals.Sent)
	same(t, "what the sockets had", had, totals.Delivered)
	same(t, "what did not fit", dropped, totals.Lost[udptest.BufferFull])
	same(t, "in flight", totals.InFlight, 0)
}
