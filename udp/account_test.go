package udp_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"testing"

	"example.com/dgram/internal/netlab"
	"example.com/dgram/udp"
)

// accounted is where datagrams that reached a socket can be.
func accounted(st udp.Stats) uint64 {
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
			var n uint64
			receiving := begin(func() {
				for m := range s.Messages() {
					n++
					m.Release()
					for range 20 {
						runtime.Gosched()
					}
				}
			})
			return func() uint64 { <-receiving; return n }
		},
		"a receiver": func(t *testing.T, s *udp.Socket) func() uint64 {
			var n uint64
			receiving := begin(func() {
				for range s.Messages() {
					n++
				}
			})
			return func() uint64 { <-receiving; return n }
		},
		"a loop": func(t *testing.T, s *udp.Socket) func() uint64 {
			var n uint64
			looping := begin(func() {
				for range s.All(t.Context()) {
					n++
				}
			})
			return func() uint64 { <-looping; return n }
		},
		"loops that are left": func(t *testing.T, s *udp.Socket) func() uint64 {
			var n uint64
			looping := begin(func() {
				for open := true; open; {
					k := 0
					for _, err := range s.All(t.Context()) {
						if err != nil {
							t.Error(err)
						}
						n++
						if k++; k == 3 {
							break
						}
					}
					open = k == 3
				}
			})
			return func() uint64 { <-looping; return n }
		},
		"a view": func(t *testing.T, s *udp.Socket) func() uint64 {
			var n uint64
			view := s.PacketConn()
			reading := begin(func() {
				for b := make([]byte, 2048); ; n++ {
					if _, _, err := view.ReadFrom(b); err != nil {
						return
					}
				}
			})
			return func() uint64 { <-reading; return n }
		},
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
	if got := accounted(before); got > sent {
		t.Errorf("%d of %d datagrams while the socket lives: %+v", got, sent, before)
	}
	ok(t, s.Close())
	delivered := seen()
	st := s.Stats()
	same(t, fmt.Sprintf("accounted for of %+v", st), accounted(st), sent)
	same(t, "delivered", delivered, st.Received)
	if st.DroppedBlocked > n/5 {
		t.Errorf("%d blocked of %d", st.DroppedBlocked, n/5)
	}
	if after := s.Stats(); after != st {
		t.Errorf("the counts change after the end: %+v", after)
	}
}

// The equation holds while the socket lives, too, once it has caught up.
func TestAccountIsExactWithoutClosing(t *testing.T) {
	knowsDrops(t)
	for policy, overflow := range map[string]udp.Overflow{"Block": udp.OverflowBlock, "DropNewest": udp.OverflowDropNewest, "DropOldest": udp.OverflowDropOldest} {
		t.Run(policy, func(t *testing.T) {
			f := families()[0]
			s := listen(t, f.network, f.local(), udp.WithOverflow(overflow), udp.WithReadBuffer(8000), udp.WithOffload(false))
			from := std(t, f)
			ctx, cancel := context.WithCancel(t.Context())
			receiving := begin(func() {
				for {
					select {
					case m := <-s.Messages():
						m.Release()
					case <-ctx.Done():
						return
					}
				}
			})
			n := rounds(2000)
			for i := range n {
				tell(t, from, at(t, s), big(i%800))
			}
			eventually(t, "all are accounted for", func() bool { return accounted(s.Stats()) == uint64(n) })
			same(t, "DroppedClosed", s.Stats().DroppedClosed, 0)
			if overflow == udp.OverflowBlock { // the kernel's drops are in Stats alone
				empty(t, "errors", s.Errors())
			}
			cancel()
			ended(t, "receiver", receiving)
		})
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
	same(t, fmt.Sprintf("accounted for of %+v", st), accounted(st), sent)
	same(t, "delivered", uint64(len(drained(t, "messages", s.Messages()))), st.Received+st.Waiting)
	same(t, "accounted for when all is taken", accounted(s.Stats()), sent)
	same(t, "waiting when all is taken", s.Stats().Waiting, 0)
}

// Close in the midst of a flood: the kernel counts what it turns away, too.
func TestAccountOfAFloodThatOutlivesTheSocket(t *testing.T) {
	knowsDrops(t)
	f := families()[0]
	for range 20 {
		s := listen(t, f.network, f.local(), udp.WithOffload(false))
		to := at(t, s)
		s.Messages()
		from, err := net.DialUDP(f.network, nil, net.UDPAddrFromAddrPort(to))
		ok(t, err)
		var sent uint64
		flooding := begin(func() {
			for {
				// A connected sender hears that nobody is there any more.
				if _, err := from.Write([]byte("x")); err != nil {
					return
				}
				sent++
			}
		})
		eventually(t, "the flood comes", func() bool { return s.Stats().Waiting > 0 })
		ok(t, s.Close())
		ended(t, "flood", flooding)
		from.Close()
		st := s.Stats()
		// What arrived between the last look and the end of the descriptor is
		// nobody's: the refusal is about the first such.
		if got := accounted(st); got > sent || sent-got > sent/10+1000 {
			t.Errorf("%d of %d accounted for: %+v", got, sent, st)
		}
	}
}

// Counting what was sent: accepted, failed or never tried, each under one name.
func TestEveryQueuedDatagramIsAccountedFor(t *testing.T) {
	f := families()[0]
	peer := std(t, f)
	for range 20 {
		s := open(t, f.network)
		var queued uint64
		stop := make(chan struct{})
		queueing := begin(func() {
			for i := 0; ; i++ {
				d := udp.Datagram{Data: []byte("x"), To: of(peer)}
				if i%10 == 0 {
					d.To = netip.AddrPort{}
				}
				select {
				case s.Outbox() <- d:
					queued++
				case <-stop:
					return
				}
			}
		})
		eventually(t, "some are sent", func() bool { return s.Stats().Sent > 50 })
		close(stop) // what is queued after the end is nobody's
		ended(t, "queue", queueing)
		ok(t, s.Close())
		st := s.Stats()
		same(t, fmt.Sprintf("accounted for of %+v", st), st.Sent+st.SendDropped, queued)
	}
}

// Stats may be asked for at any time and never go back, but for what DropOldest
// takes back.
func TestStatsOnlyGrow(t *testing.T) {
	f := families()[0]
	s := listen(t, f.network, f.local())
	stop := make(chan struct{})
	watching := begin(func() {
		var last udp.Stats
		for {
			select {
			case <-stop:
				return
			default:
			}
			st := s.Stats()
			if st.Sent < last.Sent || st.ReadCalls < last.ReadCalls || st.WriteCalls < last.WriteCalls || st.DroppedKernel < last.DroppedKernel {
				t.Errorf("%+v after %+v", st, last)
				return
			}
			last = st
		}
	})
	for range 500 {
		send(t, s, at(t, s), "x")
		expect(t, s, "x")
	}
	close(stop)
	ended(t, "watch", watching)
	received(t, s, 500)
	st := s.Stats()
	same(t, "Sent", st.Sent, 500)
	same(t, "SentBytes", st.SentBytes, 500)
	same(t, "ReceivedBytes", st.ReceivedBytes, 500)
	if st.ReadCalls == 0 || st.WriteCalls == 0 {
		t.Errorf("no system calls: %+v", st)
	}
	if err := s.Err(); err != nil && !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
}
