package udp_test

import (
	"context"
	"fmt"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"example.com/dgram/internal/netlab"
	"example.com/dgram/udp"
)

// What one destination refuses changes nothing for others: not a route that refuses,
// not a path with a small MTU, not forged news of one, not an address that has gone.
func TestBurstsToOthersStayBursts(t *testing.T) {
	if portable {
		t.Skip("this path sends no bursts")
	}
	h := icmpHost(t)
	lab := netlab.New(t)
	b := lab.Host("b")
	lab.Link(h.Port("eth0", "10.77.0.1/24"), b.Port("eth0", "10.77.0.2/24"))
	lab.Must(h.AddRefusal("203.0.113.0/24", netlab.Blackhole), h.AddRefusal("198.51.100.0/24", netlab.Prohibit),
		h.AddRefusal("192.0.2.0/24", netlab.Unreachable), h.SetMTU("eth0", 600))
	forger, err := h.ForgeICMP("udp4")
	ok(t, err)
	defer forger.Close()
	good := at(t, listenOn(t, h, "udp4", "127.0.0.3:0"))
	small := at(t, listenOn(t, b, "udp4", "10.77.0.2:0"))
	for _, network := range []string{"udp4", "udp"} {
		for name, opts := range map[string][]udp.Option{"plain": nil, "ICMPErrors": {udp.WithICMPErrors()}} {
			t.Run(network+" "+name, func(t *testing.T) {
				s := listenOn(t, h, network, ":0", append(opts, udp.WithWriteBuffer(1<<20))...)
				s.Messages()
				healthy := func(after string) {
					t.Helper()
					if sent, calls := salvoTo(t, s, good, 1000); sent != 256 || calls > 4 {
						t.Errorf("after %s: %d of 256 were sent, in %d calls", after, sent, calls)
					}
				}
				healthy("nothing")
				for _, to := range []string{"203.0.113.9:9", "198.51.100.9:9", "192.0.2.9:9", "10.99.0.9:9"} {
					if sent, _ := salvoTo(t, s, netip.MustParseAddrPort(to), 1000); sent != 0 {
						t.Errorf("%d sent to %s", sent, to)
					}
					healthy(to)
				}
				if sent, calls := salvoTo(t, s, small, 1000); sent != 256 || calls > 300 {
					t.Errorf("by a path of 600 bytes %d of 256 were sent, in %d calls", sent, calls)
				}
				healthy("a path of 600 bytes")
				if sent, calls := salvoTo(t, s, small, 500); sent != 256 || calls > 4 {
					t.Errorf("what fits the path: %d of 256 were sent, in %d calls", sent, calls)
				}
				me := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), at(t, s).Port())
				for range 100 {
					ok(t, forger.Send(netlab.ICMPError{Type: 3, Code: 4, Info: 600, From: me, To: netip.MustParseAddrPort("127.0.0.2:9")}))
					healthy("forged news")
				}
				n, err := s.SendBatch(t.Context(), []udp.Datagram{{To: good, From: netip.MustParseAddr("10.1.2.3")}})
				if n != 0 || err == nil {
					t.Errorf("from a strange address: %d, %v", n, err)
				}
				healthy("a strange source")
			})
		}
	}
}

// Sends that are too long for the path leave entries in the error queue, which is
// charged to the receive buffer. It is emptied whoever reads, and if nobody does.
func TestTheErrorQueueTakesNoRoomFromReceiving(t *testing.T) {
	if portable {
		t.Skip("this path has no error queue")
	}
	_, a, b := neighbors(t)
	to := netip.AddrPortFrom(netip.MustParseAddr("10.77.0.2"), 9)
	for name, read := range map[string]func(s *udp.Socket){
		"Messages":   func(s *udp.Socket) { s.Messages() },
		"nobody yet": func(*udp.Socket) {},
	} {
		t.Run(name, func(t *testing.T) {
			s := listenOn(t, a, "udp4", "10.77.0.1:0", udp.WithICMPErrors(), udp.WithDontFragment())
			read(s)
			for range 2000 {
				fails(t, s.SendTo(t.Context(), to, make([]byte, 9000)), syscall.EMSGSIZE)
			}
			n, err := s.SendBatch(t.Context(), []udp.Datagram{{To: to, Data: make([]byte, 9000)}, {To: to, Data: make([]byte, 9000)}})
			fails(t, err, syscall.EMSGSIZE)
			same(t, "sent", n, 0)
			peer := stdOn(t, b, "udp4", "10.77.0.2")
			const burst = 50
			for i := range burst {
				tell(t, peer, at(t, s), fmt.Sprint(i))
			}
			for i := range burst {
				expect(t, s, fmt.Sprint(i))
			}
			same(t, "errors", s.Stats().Errors, 0)
		})
	}
}

// A refusal that comes while the send buffer is full is all that Go's poller sees
// ("not pollable"): it is reported, receiving goes on without a delay, Close returns.
func TestARefusalWhileTheSendBufferIsFull(t *testing.T) {
	for name, read := range readings {
		t.Run(name, func(t *testing.T) {
			lab, a, b := neighbors(t)
			lab.Must(a.Throttle("eth0", 1, 1600, 1<<20), // one datagram passes
				a.AddNeighbor("eth0", "10.77.0.2", mac(t, b)), b.AddNeighbor("eth0", "10.77.0.1", mac(t, a)))
			forger, err := a.ForgeICMP("udp4")
			ok(t, err)
			defer forger.Close()
			peer := stdOn(t, b, "udp4", "10.77.0.2")
			s := dialOn(t, a, of(peer), udp.WithWriteBuffer(4608))
			r := read(t, s)
			defer r.stop()
			ok(t, s.Send(t.Context(), make([]byte, 1000)))
			_, _, err = peer.ReadFromUDPAddrPort(make([]byte, 1000))
			ok(t, err)
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			for err == nil {
				err = s.Send(ctx, make([]byte, 1000))
			}
			fails(t, err, context.DeadlineExceeded)
			waiting := later(func() error { return s.Send(context.Background(), make([]byte, 1000)) })
			defer func() { <-waiting }()
			eventually(t, "a sender waits", func() bool { return s.SendQueueCount() == 1 })

			began, heard := time.Now(), 0
			const rounds = 100
			for i := range rounds {
				ok(t, forger.Send(netlab.ICMPError{Type: 3, Code: 3, From: at(t, s), To: of(peer)}))
				tell(t, peer, at(t, s), fmt.Sprint(i))
				for {
					m, err := r.next()
					if err == nil {
						same(t, "message", string(m.Data), fmt.Sprint(i))
						break
					}
					fails(t, err, syscall.ECONNREFUSED)
					heard++
				}
			}
			for len(s.Errors()) > 0 {
				fails(t, <-s.Errors(), syscall.ECONNREFUSED)
				heard++
			}
			if heard == 0 {
				t.Error("no refusal was heard")
			}
			if took := time.Since(began); took > soon/2 {
				t.Errorf("%d datagrams took %v", rounds, took)
			}
			same(t, "cause", s.Err(), nil)
			ok(t, forger.Send(netlab.ICMPError{Type: 3, Code: 3, From: at(t, s), To: of(peer)}))
			ok(t, s.Close())
		})
	}
}

// One forged datagram ends no server: not about a datagram that never was, to an
// address that nobody has talked to.
func TestOneForgedDatagramEndsNoServer(t *testing.T) {
	h := icmpHost(t)
	for network, stranger := range map[string]string{"udp4": "203.0.113.9:4242", "udp6": "[2001:db8::9]:4242"} {
		forger, err := h.ForgeICMP(network)
		ok(t, err)
		defer forger.Close()
		for _, own := range []string{network, "udp"} {
			s := listenOn(t, h, own, ":0", udp.WithICMPErrors())
			s.Messages()
			me := netip.AddrPortFrom(netip.MustParseAddr(localAddr[network]), at(t, s).Port())
			for _, kind := range icmpKinds(network) {
				ok(t, forger.Send(netlab.ICMPError{Type: kind.kind, Code: kind.code, From: me, To: netip.MustParseAddrPort(stranger)}))
				if kind.queued(network) {
					err, _ := take(t, "forged news", s.Errors())
					shaped(t, err, "read", stranger)
				}
			}
			tell(t, stdOn(t, h, network, localAddr[network]), me, "alive?")
			expect(t, s, "alive?")
			same(t, "cause", s.Err(), nil)
		}
	}
}
