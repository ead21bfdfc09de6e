package udp_test

import (
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"testing"

	"example.com/dgram/internal/netlab"
	"example.com/dgram/udp"
)

// sum is where datagrams that reached a socket can be.
func sum(st udp.Stats) uint64 {
	return st.Received + st.Waiting + st.DroppedKernel + st.DroppedOverflow + st.DroppedBlocked + st.DroppedClosed
}

// knowsDrops skips the test where the kernel does not say what it drops.
func knowsDrops(t *testing.T) {
	t.Helper()
	if !countsDrops(t) {
		t.Skip("this kernel does not say what it drops")
	}
}

// countsDrops reports whether the kernel says what it drops.
func countsDrops(t *testing.T) bool {
	t.Helper()
	s := listen(t, "udp4", "127.0.0.1:0", udp.WithReadBuffer(1), udp.WithOffload(false))
	for range 100 {
		send(t, s, at(t, s), big(1000))
	}
	arrived(t)
	return s.Stats().DroppedKernel > 0
}

// counting reads beside the test. What it returns waits for the end.
func (r reading) counting(t *testing.T) (seen func() uint64) {
	var n int
	over := begin(func() { n, _ = r.count() })
	t.Cleanup(r.stop)
	return func() uint64 { ended(t, "reading", over); return uint64(n) }
}

// Every datagram that reached the socket is delivered, or counted under one
// name: to the datagram, whoever reads and however slowly, while the socket
// lives and after its end.
func TestEveryDatagramIsAccountedFor(t *testing.T) {
	knowsDrops(t)
	policies := map[string]udp.Overflow{"Block": udp.OverflowBlock, "DropNewest": udp.OverflowDropNewest, "DropOldest": udp.OverflowDropOldest}
	ways := map[string]func(t *testing.T, s *udp.Socket) (seen func() uint64){
		"nobody asks": func(*testing.T, *udp.Socket) func() uint64 { return func() uint64 { return 0 } },
		"nobody receives": func(t *testing.T, s *udp.Socket) func() uint64 {
			s.Messages()
			return func() uint64 { return uint64(len(drained(t, "messages", s.Messages()))) }
		},
		"a slow receiver": func(t *testing.T, s *udp.Socket) func() uint64 {
			r := readings["Messages"](t, s)
			slow := r
			slow.next = func() (udp.Message, error) {
				for range 20 {
					runtime.Gosched()
				}
				return r.next()
			}
			return slow.counting(t)
		},
		"loops that are left": func(t *testing.T, s *udp.Socket) func() uint64 {
			return reading{stop: func() {}, next: func() (m udp.Message, err error) {
				for m, err := range s.All(t.Context()) {
					return m, err
				}
				return m, net.ErrClosed
			}}.counting(t)
		},
	}
	for way, read := range readings {
		ways[way] = func(t *testing.T, s *udp.Socket) func() uint64 { return read(t, s).counting(t) }
	}
	for way, read := range ways {
		for policy, overflow := range policies {
			for _, buffer := range []int{1, 60000} { // of the kernel's: the least, and some
				for _, channel := range []int{0, 4} {
					t.Run(fmt.Sprint(way, "/", policy, "/", buffer, "/", channel), func(t *testing.T) {
						account(t, read, []udp.Option{
							udp.WithOverflow(overflow), udp.WithReadBuffer(buffer),
							udp.WithMessageBuffer(channel), udp.WithOffload(false),
						})
					})
				}
			}
		}
	}
}

func account(t *testing.T, read func(*testing.T, *udp.Socket) func() uint64, opts []udp.Option) {
	t.Helper()
	netlab.RequireAddress(t, netip.MustParseAddr("127.0.0.3"))
	f := families()[0]
	opts = append(opts, udp.WithReceiveBlockList(netip.MustParsePrefix("127.0.0.3/32")))
	s := listen(t, f.network, ":0", opts...)
	to := at(t, s)
	seen := read(t, s)
	good := std(t, f)
	bad, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 3)})
	ok(t, err)
	defer bad.Close()
	const n = 250
	for i := range n {
		tell(t, good, to, big(i*7%1200))
		if i%5 == 0 {
			tell(t, bad, to, "blocked")
		}
	}
	const sent = n + n/5
	arrived(t)
	before := s.Stats()
	if got := sum(before); got > sent {
		t.Errorf("%d of %d datagrams while the socket lives: %+v", got, sent, before)
	}
	ok(t, s.Close())
	delivered := seen()
	st := s.Stats()
	same(t, fmt.Sprintf("accounted for of %+v", st), sum(st), sent)
	same(t, "delivered", delivered, st.Received)
	if st.DroppedBlocked > n/5 {
		t.Errorf("%d blocked of %d", st.DroppedBlocked, n/5)
	}
	if after := s.Stats(); after != st {
		t.Errorf("the counts change after the end: %+v", after)
	}
}

// With many kernel sockets the account is kept for all of them.
func TestAccountOfManyReaders(t *testing.T) {
	knowsDrops(t)
	f := families()[0]
	s := listen(t, f.network, f.local(), udp.WithReaders(3), udp.WithReadBuffer(4000), udp.WithOffload(false))
	s.Messages()
	var sent uint64
	for range 20 {
		from := std(t, f)
		for range 30 {
			tell(t, from, at(t, s), big(500))
			sent++
		}
	}
	arrived(t)
	ok(t, s.Close())
	st := s.Stats()
	same(t, fmt.Sprintf("accounted for of %+v", st), sum(st), sent)
	same(t, "delivered", uint64(len(drained(t, "messages", s.Messages()))), st.Received+st.Waiting)
	same(t, "accounted for when all is taken", sum(s.Stats()), sent)
	same(t, "waiting when all is taken", s.Stats().Waiting, 0)
}
