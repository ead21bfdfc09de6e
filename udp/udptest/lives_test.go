package udptest_test

import (
	"context"
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
