package udptest_test

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"example.com/dgram/udp"
	"example.com/dgram/udp/udptest"
)

// tick is the latency of a link and the time between two calls: what is sent
// arrives at the instant of the next call.
const tick = 10 * time.Millisecond

// pairOfHosts has a socket on each of two hosts, a tick apart.
type pairOfHosts struct {
	n      *udptest.Network
	ha, hb *udptest.Host
	a, b   *udp.Socket
}

func tickApart(t *testing.T) pairOfHosts {
	n := udptest.NewNetwork(t)
	p := pairOfHosts{n: n, ha: n.Host("192.0.2.1"), hb: n.Host("192.0.2.2")}
	n.Link(p.ha, p.hb, udptest.Latency(tick))
	p.a, p.b = listen(t, p.ha), listen(t, p.hb, udp.WithReadBuffer(1<<20))
	return p
}

// A call sees what arrives at its instant, whether the timer has fired or the goroutine of the
// call has woken first.
func TestACallComesAfterTheArrivalsOfItsInstant(t *testing.T) {
	for name, call := range map[string]func(t *testing.T, p pairOfHosts) bool{
		"TryReceive": func(_ *testing.T, p pairOfHosts) bool {
			_, there := p.b.TryReceive()
			return there
		},
		"Totals": func(_ *testing.T, p pairOfHosts) bool {
			return p.n.Totals().InFlight == 0
		},
		"Fates": func(_ *testing.T, p pairOfHosts) bool {
			ended := uint64(0)
			for range p.n.Fates() {
				ended++
			}
			return ended == p.n.Totals().Sent
		},
		"Partition": func(_ *testing.T, p pairOfHosts) bool {
			p.n.Partition(p.ha, p.hb)
			time.Sleep(time.Nanosecond)
			p.n.Heal(p.ha, p.hb)
			return p.n.Totals().Lost[udptest.Partitioned] == 0
		},
		"Close": func(t *testing.T, p pairOfHosts) bool {
			s, err := p.hb.Listen(t.Context(), "udp4", ":9")
			ok(t, err)
			send(t, p.a, netip.AddrPortFrom(p.hb.Addr(), 9), "x")
			time.Sleep(tick)
			ok(t, s.Close())
			return p.n.Totals().Lost[udptest.Refused] == 0
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				p := tickApart(t)
				for i := range 500 {
					send(t, p.a, at(t, p.b), "x")
					time.Sleep(tick)
					if !call(t, p) {
						t.Fatalf("call %d comes before the arrival of its instant", i)
					}
				}
			})
		})
	}
}

// In real time a call comes after what was due before it, however late the timer is.
func TestACallComesAfterWhatIsOverdue(t *testing.T) {
	const latency = 100 * time.Microsecond
	_, a, b := two(t, []udptest.LinkOption{udptest.Latency(latency)})
	for i := range 200 {
		send(t, a, at(t, b), "x")
		for sent := time.Now(); time.Since(sent) < latency; { // a sleep would let the timer fire
		}
		if _, there := b.TryReceive(); !there {
			t.Fatalf("call %d comes before an arrival that is overdue", i)
		}
	}
}

// One goroutine sends at the instants at which its datagrams arrive: its captures are equal.
func TestCapturesOfOneSenderAreEqual(t *testing.T) {
	run := func() []byte {
		var capture bytes.Buffer
		bubble(t, func(t *testing.T) {
			p := tickApart(t)
			ok(t, p.n.Capture(&capture))
			for range 100 {
				send(t, p.a, at(t, p.b), "x")
				time.Sleep(tick)
			}
			ok(t, p.n.CaptureErr())
		})
		return capture.Bytes()
	}
	first := run()
	for i := range 20 {
		if !bytes.Equal(run(), first) {
			t.Fatalf("run %d differs from the first", i)
		}
	}
}
