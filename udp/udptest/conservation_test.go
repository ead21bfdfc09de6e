package udptest_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"example.com/dgram/multicast"
	"example.com/dgram/udp"
	"example.com/dgram/udp/udptest"
)

// Whatever a network does to its datagrams, the totals account for every one at
// any moment, and what the sockets have counted is what was delivered to them.
func TestEveryDatagramIsAccountedFor(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			bubble(t, func(t *testing.T) { account(t, rand.New(rand.NewPCG(seed, 1)), seed) })
		})
	}
}

func account(t *testing.T, r *rand.Rand, seed uint64) {
	n := udptest.NewNetwork(t, udptest.Seed(seed), udptest.KeepFates(1<<20))
	var hosts []*udptest.Host
	for i := range 5 {
		hosts = append(hosts, n.Host(fmt.Sprintf("192.0.2.%d/24", i+1)))
	}
	for i := range 2 {
		h := n.Host("10.0.0.2/24")
		n.NAT(fmt.Sprintf("203.0.113.%d", i+1), udptest.NATKind(r.IntN(4)), time.Duration(r.IntN(5))*time.Second, h)
		hosts = append(hosts, h)
	}
	for i, a := range hosts {
		for _, b := range hosts[:i] {
			n.Link(a, b, randomLink(r)...)
		}
	}
	group := netip.MustParseAddr("239.9.9.9")
	var all []*udp.Socket
	var at []netip.AddrPort
	for i, h := range hosts {
		s, err := h.Listen(t.Context(), "udp4", fmt.Sprintf(":%d", 7+i%2), udp.WithReadBuffer(20000), udp.WithBroadcast(), udp.WithMessageBuffer(4))
		ok(t, err)
		if r.IntN(2) == 0 {
			_, err := multicast.Join(s, group, multicast.On("eth0"))
			ok(t, err)
		}
		s.Messages()
		all = append(all, s)
		at = append(at, netip.AddrPortFrom(h.Addr(), uint16(7+i%2)), netip.AddrPortFrom(h.Addr(), 9))
	}
	at = append(at, netip.AddrPortFrom(group, 7), netip.MustParseAddrPort("192.0.2.255:8"), netip.MustParseAddrPort("203.0.113.1:7"),
		netip.MustParseAddrPort("203.0.113.2:8"), netip.MustParseAddrPort("192.0.2.200:7"))
	for range 300 {
		s := all[r.IntN(len(all))]
		_ = s.SendTo(t.Context(), at[r.IntN(len(at))], make([]byte, r.IntN(3000))) // also where there is no way
		switch r.IntN(20) {
		case 0:
			a, b := hosts[r.IntN(3)], hosts[3+r.IntN(4)]
			n.Partition(a, b)
		case 1:
			n.Heal(hosts[r.IntN(3)], hosts[3+r.IntN(4)])
		case 2:
			time.Sleep(time.Duration(r.IntN(2000)) * time.Millisecond)
		case 3:
			for len(s.Messages()) > 0 {
				<-s.Messages()
			}
			conserved(t, n)
		}
	}
	time.Sleep(1000 * time.Hour) // some links are slow
	synctest.Wait()
	totals := conserved(t, n)
	same(t, "in flight", totals.InFlight, 0)
	ends := map[udptest.Outcome]uint64{}
	for f := range n.Fates() {
		ends[f.Outcome]++
	}
	same(t, "fates of delivered ones", ends[udptest.Delivered], totals.Delivered)
	for o, count := range totals.Lost {
		same(t, "fates: "+o.String(), ends[o], count)
	}
	var told, dropped uint64
	for _, s := range all {
		go func() {
			for range s.Messages() {
			}
		}()
		synctest.Wait()
		ok(t, s.Close())
		st := s.Stats()
		told += st.Received + st.Waiting + st.DroppedClosed
		dropped += st.DroppedKernel
	}
	same(t, "what the sockets had", told, totals.Delivered)
	same(t, "what did not fit", dropped, totals.Lost[udptest.BufferFull])
}

func randomLink(r *rand.Rand) (opts []udptest.LinkOption) {
	p := func() float64 { return r.Float64() / 3 }
	d := func() time.Duration { return time.Duration(r.IntN(500)) * time.Millisecond }
	for _, o := range []udptest.LinkOption{
		udptest.Latency(d()), udptest.Jitter(d()), udptest.Loss(p()), udptest.Burst(p(), 1+r.IntN(4)), udptest.Duplicate(p()),
		udptest.Reorder(p(), d()), udptest.Corrupt(p()), udptest.Rate(1+r.IntN(100000), r.IntN(10000)), udptest.MTU(600 + r.IntN(900)),
		udptest.Lifetime(1 + d()), udptest.Outage(d(), d(), time.Second),
	} {
		if r.IntN(3) == 0 {
			opts = append(opts, o)
		}
	}
	return opts
}
