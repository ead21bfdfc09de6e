package udp_test

import (
	"context"
	"errors"
	"maps"
	"net"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"example.com/dgram/internal/netlab"
	"example.com/dgram/udp"
)

// lasting are the ways to read, each until the socket ends or the context of the call is
// done.
func lasting(t *testing.T) map[string]func(ctx context.Context, s *udp.Socket) {
	all := maps.Clone(readings)
	maps.Copy(all, moreReadings)
	calls := map[string]func(ctx context.Context, s *udp.Socket){}
	for way, read := range all {
		calls[way] = func(ctx context.Context, s *udp.Socket) {
			r := read(t, s)
			defer r.stop()
			defer context.AfterFunc(ctx, r.stop)()
			for {
				if _, err := r.next(); errors.Is(err, net.ErrClosed) || ctx.Err() != nil {
					return
				}
			}
		}
	}
	return calls
}

// besides are what happens to a socket while it is read.
var besides = map[string]func(t *testing.T, s *udp.Socket, peer string){
	"nothing": nil,
	"Disconnect": func(t *testing.T, s *udp.Socket, peer string) {
		_ = s.Disconnect()
		_ = s.Connect(t.Context(), peer)
	},
	"a deadline": func(_ *testing.T, s *udp.Socket, _ string) {
		_ = s.PacketConn().SetReadDeadline(time.Now().Add(100 * time.Microsecond))
	},
	"Control": func(_ *testing.T, s *udp.Socket, _ string) {
		if raw, err := s.PacketConn().SyscallConn(); err == nil {
			_ = raw.Control(func(uintptr) {})
		}
	},
	"Drain": func(t *testing.T, s *udp.Socket, _ string) {
		_ = s.Drain(done())
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		_ = s.Drain(ctx)
	},
}

// ends are how a reading call, and then its socket, may end.
var ends = map[string]func(s *udp.Socket, endSocket, endCall context.CancelFunc){
	"Close":                func(s *udp.Socket, _, _ context.CancelFunc) { s.Close() },
	"the socket's context": func(_ *udp.Socket, endSocket, _ context.CancelFunc) { endSocket() },
	"the call's context":   func(_ *udp.Socket, _, endCall context.CancelFunc) { endCall() },
	"all at once": func(s *udp.Socket, endSocket, endCall context.CancelFunc) {
		concurrently(3, func(i int) {
			[]func(){func() { s.Close() }, endSocket, endCall}[i]()
		})
	},
}

// Whatever reads, whatever else happens and however it ends, the reading call returns,
// Close returns, and every datagram that was there is delivered or counted.
func TestEveryReadingCallEndsInEveryWay(t *testing.T) {
	rounds := 3
	if testing.Short() {
		rounds = 1
	}
	each(t, func(t *testing.T, f family) {
		for way, read := range lasting(t) {
			t.Run(way, func(t *testing.T) {
				for beside, act := range besides {
					for how, end := range ends {
						t.Run(beside+", "+how, func(t *testing.T) {
							lent := way == "SyscallConn" || beside == "Control"
							for range rounds {
								readAndEnd(t, f, lent, read, act, end)
							}
						})
					}
				}
			})
		}
	})
}

func readAndEnd(t *testing.T, f family, lent bool, read func(context.Context, *udp.Socket),
	act func(*testing.T, *udp.Socket, string), end func(s *udp.Socket, endSocket, endCall context.CancelFunc)) {
	lifetime, endSocket := context.WithCancel(t.Context())
	call, endCall := context.WithCancel(t.Context())
	defer endSocket()
	defer endCall()
	peer := std(t, f)
	s := dial(t, f.network, of(peer), udp.WithContext(lifetime), udp.WithMessageBuffer(2))
	const sent = 5
	for range sent {
		tell(t, peer, at(t, s), "x")
	}
	arrived(t)
	reading := begin(func() { read(call, s) })
	stop := make(chan struct{})
	beside := begin(func() {
		for act != nil {
			select {
			case <-stop:
				return
			default:
				act(t, s, of(peer).String())
				runtime.Gosched() // what it is beside has its turn, on a busy machine too
			}
		}
	})
	end(s, endSocket, endCall)
	ended(t, "the reading call", reading)
	close(stop)
	ended(t, "what happens beside it", beside)
	door(t, "Close", func() { s.Close() })
	// What a borrower of the descriptor may still read is not counted.
	if n := sum(s.Stats()); n > sent || n < sent && !lent {
		t.Errorf("%d datagrams were sent, and %d are accounted for: %+v", sent, n, s.Stats())
	}
	peer.Close()
}

// What is queued when receive offload ends is read ahead, and a read that waits is woken
// for it. If the socket is replaced before a read has looked, later deadlines still hold.
func TestDeadlinesHoldAfterOffloadAndPeerHaveEnded(t *testing.T) {
	each(t, func(t *testing.T, f family) {
		peer := std(t, f)
		s := dial(t, f.network, of(peer))
		tell(t, peer, at(t, s), "first")
		eventually(t, "the first datagram, which turns offload on", func() bool { _, got := s.TryReceive(); return got })
		tell(t, peer, at(t, s), "queued")
		arrived(t)
		_ = s.PacketConn()
		ok(t, s.Disconnect())
		m, err := s.Receive(t.Context())
		ok(t, err)
		same(t, "payload", string(m.Data), "queued")
		short, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		err, _ = take(t, "Receive", later(func() error { _, err := s.Receive(short); return err }))
		fails(t, err, context.DeadlineExceeded)
		door(t, "Close", func() { s.Close() })
	})
}

// A panicList is a block list with a fault.
type panicList struct{ bad netip.Addr }

func (l panicList) Contains(a netip.Addr) bool {
	if a == l.bad {
		panic("a fault of the block list")
	}
	return false
}

// Whoever recovers from a panic of its block list has a socket that reads on and closes.
func TestABlockListThatPanicsLeavesTheSocketFit(t *testing.T) {
	f := families()[0]
	bad := netip.MustParseAddr("127.0.0.2")
	netlab.RequireSource(t, bad)
	for name, read := range map[string]func(s *udp.Socket, b []byte) int{
		"Receive": func(s *udp.Socket, b []byte) int { m, _ := s.Receive(t.Context()); return copy(b, m.Data) },
		"ReceiveBatch": func(s *udp.Socket, b []byte) int {
			var ms [1]udp.Message
			_, _ = s.ReceiveBatch(t.Context(), ms[:])
			return copy(b, ms[0].Data)
		},
		"TryReceive": func(s *udp.Socket, b []byte) int {
			for {
				if m, got := s.TryReceive(); got {
					return copy(b, m.Data)
				}
			}
		},
		"All": func(s *udp.Socket, b []byte) int {
			for m := range s.All(t.Context()) {
				return copy(b, m.Data)
			}
			return 0
		},
		"ReadFrom": func(s *udp.Socket, b []byte) int { n, _, _ := s.PacketConn().ReadFrom(b); return n },
	} {
		t.Run(name, func(t *testing.T) {
			s := listen(t, f.network, f.local(), udp.WithReceiveBlockList(panicList{bad}))
			from := listen(t, f.network, netip.AddrPortFrom(bad, 0).String())
			send(t, from, at(t, s), "bad")
			func() {
				defer func() {
					if recover() == nil {
						t.Error("no panic")
					}
				}()
				read(s, make([]byte, 10))
			}()
			send(t, listen(t, f.network, f.local()), at(t, s), "good")
			b := make([]byte, 10)
			door(t, name, func() { same(t, "payload", string(b[:read(s, b)]), "good") })
			door(t, "Close", func() { s.Close() })
		})
	}
}
