package udp_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"
	"weak"

	"example.com/dgram/internal/netlab"
	"example.com/dgram/udp"
)

func TestEveryDatagramOnceAndInOrder(t *testing.T) {
	everyReading(t, func(t *testing.T, f family, read func(testing.TB, *udp.Socket) reading) {
		s := listen(t, f.network, f.local(), udp.WithReadBuffer(1<<20))
		from := dial(t, f.network, at(t, s))
		in := start(t, read(t, s))
		const n = 500
		spend, earn := credit(t, s, 300)
		sent := later(func() error {
			for i := range n {
				spend()
				if err := from.Send(t.Context(), fmt.Append(nil, i, big(i%300))); err != nil {
					return err
				}
			}
			return nil
		})
		for i := range n {
			in.expect(t, fmt.Sprint(i, big(i%300)))
			earn()
		}
		err, _ := take(t, "sender", sent)
		ok(t, err)
		received(t, s, n)
	})
}

// A burst (UDP_SEGMENT) arrives as the datagrams that it is made of.
func TestBurstArrivesAsDatagrams(t *testing.T) {
	everyReading(t, func(t *testing.T, f family, read func(testing.TB, *udp.Socket) reading) {
		for _, size := range []int{1, 64, 1200, 9000} {
			s := listen(t, f.network, f.local(), udp.WithReadBuffer(2<<20))
			in := start(t, read(t, s))
			from := dial(t, f.network, at(t, s))
			var batch []udp.Datagram
			var want []string
			n := min(60, 180000/size) // as much as a receive buffer of Linux holds
			for i := range n {
				p := fmt.Sprintf("%0*d", size, i%10)
				if i == n-1 {
					p = p[:(size+1)/2]
				}
				want = append(want, p)
				batch = append(batch, udp.Datagram{Data: []byte(p)})
			}
			sent := later(func() error { _, err := from.SendBatch(t.Context(), batch); return err })
			in.expect(t, want...)
			err, _ := take(t, "SendBatch", sent)
			ok(t, err)
			in.stop()
		}
	})
}

func TestZeroLengthIsAMessage(t *testing.T) {
	everyReading(t, func(t *testing.T, f family, read func(testing.TB, *udp.Socket) reading) {
		s := listen(t, f.network, f.local())
		in := start(t, read(t, s))
		from := std(t, f)
		tell(t, from, at(t, s), "", "a", "", "", "b", "")
		in.expect(t, "", "a", "", "", "b", "")
		received(t, s, 6)
		same(t, "ReceivedBytes", s.Stats().ReceivedBytes, 2)
	})
}

func TestLongestDatagramArrivesWhole(t *testing.T) {
	everyReading(t, func(t *testing.T, f family, read func(testing.TB, *udp.Socket) reading) {
		limit := 65507
		if f.network == "udp6" {
			limit = 65527
		}
		s := listen(t, f.network, f.local())
		in := start(t, read(t, s))
		from := dial(t, f.network, at(t, s))
		for _, n := range []int{limit, 1, limit - 1, 8191, 8192, 8193} {
			ok(t, from.Send(t.Context(), []byte(big(n))))
			in.expect(t, big(n))
		}
	})
}

// The bytes are the receiver's: nothing that arrives later changes them.
func TestDataIsTheReceiversToKeep(t *testing.T) {
	for name, read := range readings {
		for _, size := range []int{1, 64, 1200, 8192, 30000} {
			t.Run(fmt.Sprint(name, " ", size), func(t *testing.T) {
				f := families()[0]
				s := listen(t, f.network, f.local(), udp.WithReadBuffer(1<<20))
				in := start(t, read(t, s))
				from := dial(t, f.network, at(t, s))
				var kept []udp.Message
				for i := range 64 {
					ok(t, from.Send(t.Context(), bytes.Repeat([]byte{byte(i)}, size)))
					m, _ := take(t, "message", in.messages)
					kept = append(kept, m)
				}
				for i, m := range kept {
					if !bytes.Equal(m.Data, bytes.Repeat([]byte{byte(i)}, size)) {
						t.Fatalf("message %d has changed", i)
					}
					clear(m.Data) // to change, too
					if extra := append(m.Data, 0xff); len(extra) != size+1 {
						t.Fatal("not to append to")
					}
				}
				runtime.GC()
				for i, m := range kept {
					if slices.ContainsFunc(m.Data, func(b byte) bool { return b != 0 }) {
						t.Fatalf("message %d shares its bytes with another", i)
					}
				}
			})
		}
	}
}

// Appending to one message's Data never reaches another's.
func TestDataIsCappedToItsLength(t *testing.T) {
	for _, offload := range []bool{true, false} {
		f := families()[0]
		s := listen(t, f.network, f.local(), udp.WithOffload(offload))
		from := dial(t, f.network, at(t, s))
		batch := make([]udp.Datagram, 20)
		for i := range batch {
			batch[i].Data = []byte(fmt.Sprintf("%01000d", i))
		}
		_, err := from.SendBatch(t.Context(), batch)
		ok(t, err)
		for range batch {
			if m := next(t, s); cap(m.Data) != len(m.Data) {
				t.Errorf("%d bytes have room for %d", len(m.Data), cap(m.Data))
			}
		}
	}
}

// Upstream: parallel/test-dgram-blocklist.js
func TestReceiveBlockList(t *testing.T) {
	everyReading(t, func(t *testing.T, f family, read func(testing.TB, *udp.Socket) reading) {
		if f.network != "udp4" {
			t.Skip("::1 is the only loopback address of IPv6")
		}
		for _, network := range []string{"udp4", "udp6"} {
			if network == "udp6" {
				needIPv6(t)
			}
			s := listen(t, network, ":0", udp.WithReceiveBlockList(netip.MustParsePrefix("127.0.0.2/32")))
			in := start(t, read(t, s))
			to := netip.AddrPortFrom(f.loopback, at(t, s).Port())
			good := std(t, f)
			netlab.RequireAddress(t, netip.MustParseAddr("127.0.0.2"))
			bad := std(t, family{"udp4", netip.MustParseAddr("127.0.0.2")})
			tell(t, bad, to, "1", "2", "3")
			tell(t, good, to, "good")
			tell(t, bad, to, "4")
			tell(t, good, to, "end")
			bad.Close()
			in.expect(t, "good", "end")
			same(t, "DroppedBlocked", s.Stats().DroppedBlocked, 4)
			in.stop()
			received(t, s, 2)
		}
	})
}

// A block list is asked without zones and without mapping.
type oracle struct{ asked chan netip.Addr }

func (o oracle) Contains(a netip.Addr) bool {
	o.asked <- a
	return false
}

func TestBlockListIsAskedForPlainAddresses(t *testing.T) {
	needIPv6(t)
	list := oracle{make(chan netip.Addr, 8)}
	s := listen(t, "udp6", ":0", udp.WithReceiveBlockList(list), udp.WithSendBlockList(list))
	send(t, s, netip.AddrPortFrom(netip.MustParseAddr("::ffff:127.0.0.1"), at(t, s).Port()), "x")
	next(t, s)
	for range 2 {
		a, _ := take(t, "question", list.asked)
		same(t, "asked", a, netip.MustParseAddr("127.0.0.1"))
	}
	s.SendTo(t.Context(), netip.AddrPortFrom(netip.MustParseAddr("fe80::1").WithZone("no-such"), 9))
	a, _ := take(t, "question", list.asked)
	same(t, "asked", a, netip.MustParseAddr("fe80::1"))
}

func TestMaxDatagramCutsOff(t *testing.T) {
	for _, size := range []int{1, 10, 1000, 8192, 20000} {
		for name, read := range readings {
			t.Run(fmt.Sprint(name, " ", size), func(t *testing.T) {
				f := families()[0]
				s := listen(t, f.network, f.local(), udp.WithMaxDatagram(size))
				in := start(t, read(t, s))
				from := dial(t, f.network, at(t, s))
				// One by one, and as a burst.
				for _, n := range []int{size - 1, size, size + 1, 2 * size} {
					ok(t, from.Send(t.Context(), []byte(big(n))))
					m, _ := take(t, "message", in.messages)
					same(t, "length", len(m.Data), min(n, size))
					if name != "ReadFrom" {
						same(t, "Truncated", m.Truncated, n > size)
					}
				}
				batch := make([]udp.Datagram, 3)
				for i := range batch {
					batch[i].Data = []byte(big(size + 5))
				}
				_, err := from.SendBatch(t.Context(), batch)
				ok(t, err)
				for range batch {
					m, _ := take(t, "message", in.messages)
					same(t, "length", len(m.Data), size)
				}
				received(t, s, 7)
				st := s.Stats()
				same(t, "Truncated", st.Truncated, 5)
				same(t, "ReceivedBytes", st.ReceivedBytes, uint64(7*size-1))
			})
		}
	}
}

func TestMessagesIsOneChannel(t *testing.T) {
	s := listen(t, "udp4", "127.0.0.1:0", udp.WithMessageBuffer(5))
	//lint:ignore SA4000 asking twice is the point
	if s.Messages() != s.Messages() {
		t.Error("two channels")
	}
	same(t, "capacity", cap(s.Messages()), 5)
	same(t, "capacity", cap(s.Errors()), cap(listen(t, "udp4", "127.0.0.1:0").Errors()))
	same(t, "capacity", cap(listen(t, "udp4", "127.0.0.1:0", udp.WithErrorBuffer(3)).Errors()), 3)
}

// Until somebody asks for messages they wait in the kernel.
func TestDatagramsWaitForTheFirstReader(t *testing.T) {
	everyReading(t, func(t *testing.T, f family, read func(testing.TB, *udp.Socket) reading) {
		s := listen(t, f.network, f.local())
		from := std(t, f)
		tell(t, from, at(t, s), "a", "b", "c")
		st := s.Stats()
		same(t, "Received", st.Received, 0)
		same(t, "ReadCalls", st.ReadCalls, 0)
		start(t, read(t, s)).expect(t, "a", "b", "c")
	})
}

// Upstream: parallel/test-dgram-listen-after-bind.js
func TestReadersWaitForTheBind(t *testing.T) {
	f := families()[0]
	for way, read := range readings {
		if way == "ReadFrom" {
			continue // the view binds
		}
		t.Run(way, func(t *testing.T) {
			s := open(t, f.network)
			in := start(t, read(t, s))
			empty(t, "messages", in.messages)
			ok(t, s.Bind(t.Context(), f.local()))
			tell(t, std(t, f), at(t, s), "x")
			in.expect(t, "x")
		})
	}
}

func TestCloseFromInsideTheLoop(t *testing.T) {
	s := listen(t, "udp4", "127.0.0.1:0")
	from := dial(t, "udp4", at(t, s))
	for range 10 {
		ok(t, from.Send(t.Context(), []byte("x")))
	}
	door(t, "loop", func() {
		for range s.All(t.Context()) {
			s.Close()
		}
	})
	st := s.Stats()
	same(t, "accounted for", sum(st), 10)
}

// Several readers share the port: each datagram comes once, and each sender's in order.
//
// Upstream: parallel/test-cluster-dgram-2.js
func TestReadersShareThePort(t *testing.T) {
	each(t, func(t *testing.T, f family) {
		const readers, senders, each = 4, 16, 25
		s := listen(t, f.network, f.local(), udp.WithReaders(readers), udp.WithReadBuffer(1<<20))
		var froms []*udp.Socket
		for range senders {
			froms = append(froms, dial(t, f.network, at(t, s)))
		}
		sent := begin(func() {
			concurrently(senders, func(i int) {
				for k := range each {
					if err := froms[i].Send(t.Context(), []byte{byte(k)}); err != nil {
						t.Error(err)
					}
				}
			})
		})
		order := map[netip.AddrPort]int{}
		for range senders * each {
			m := next(t, s)
			same(t, "number", int(m.Data[0]), order[m.From])
			order[m.From]++
			if m.From == at(t, froms[0]) {
				ok(t, s.Reply(t.Context(), m, []byte("heard")))
			}
		}
		ended(t, "senders", sent)
		expect(t, froms[0], "heard")
		n := 0
		for _, err := range s.All(t.Context()) {
			fails(t, err, errors.ErrUnsupported)
			n++
		}
		same(t, "yields of All", n, 1)
		_, _, err := s.PacketConn().ReadFrom(make([]byte, 1))
		fails(t, err, errors.ErrUnsupported)
		ok(t, s.Close())
		st := s.Stats()
		same(t, "Received", st.Received, senders*each)
	})
}

// What was handed over is the receiver's alone: a socket that waits holds on to
// nothing of it.
func TestAQuietSocketForgetsWhatItHandedOver(t *testing.T) {
	if portable {
		t.Skip("this path reads one datagram at a time")
	}
	const large = 20000 // handed over as it was read, in memory of its own
	f := families()[0]
	for name, read := range map[string]func(*udp.Socket, int) []udp.Message{
		"All": func(s *udp.Socket, n int) (got []udp.Message) {
			for m, err := range s.All(t.Context()) {
				ok(t, err)
				if got = append(got, m); len(got) == n {
					break
				}
			}
			return got
		},
		"Messages": func(s *udp.Socket, n int) (got []udp.Message) {
			for range n {
				got = append(got, next(t, s))
			}
			return got
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := listen(t, f.network, f.local(), udp.WithMessageBuffer(1))
			from := std(t, f)
			for range 3 {
				tell(t, from, at(t, s), big(large))
			}
			var third weak.Pointer[byte]
			func() {
				got := read(s, 3)
				third = weak.Make(&got[2].Data[0])
			}()
			for range 3 { // what the next reads need is not what the last ones brought
				tell(t, from, at(t, s), "x")
				read(s, 1)
			}
			eventually(t, "the third is collected", func() bool {
				runtime.GC()
				return third.Value() == nil
			})
		})
	}
}

// byContext are the calls that read until their context ends.
var byContext = map[string]func(ctx context.Context, s *udp.Socket) error{
	"Receive": func(ctx context.Context, s *udp.Socket) error { _, err := s.Receive(ctx); return err },
	"ReceiveBatch": func(ctx context.Context, s *udp.Socket) error {
		_, err := s.ReceiveBatch(ctx, make([]udp.Message, 2))
		return err
	},
	"All": func(ctx context.Context, s *udp.Socket) error {
		for _, err := range s.All(ctx) {
			return err
		}
		return ctx.Err() // a loop whose context ends yields nothing
	},
}

// A call that reads ends with its context, and none other with it.
func TestAReadEndsWithItsContextAlone(t *testing.T) {
	f := families()[0]
	for name, read := range byContext {
		t.Run(name, func(t *testing.T) {
			s := listen(t, f.network, f.local())
			fails(t, read(done(), s), context.Canceled)
			fails(t, read(nil, s), syscall.EINVAL)
			short, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			defer cancel()
			fails(t, read(short, s), context.DeadlineExceeded)
			for range 20 {
				ctx, cancel := context.WithCancel(t.Context())
				waiting := later(func() error { return read(ctx, s) })
				cancel()
				err, _ := take(t, "the cancelled call", waiting)
				fails(t, err, context.Canceled)
			}
			tell(t, std(t, f), at(t, s), "x")
			m, err := readings["TryReceive"](t, s).next()
			ok(t, err)
			same(t, "payload", string(m.Data), "x")

			waiting := later(func() error { return byContext["Receive"](t.Context(), s) })
			ctx, cancel := context.WithCancel(t.Context())
			second := later(func() error { return read(ctx, s) })
			cancel()
			err, _ = take(t, "the cancelled call", second)
			fails(t, err, context.Canceled)
			tell(t, std(t, f), at(t, s), "y")
			err, _ = take(t, "the other call", waiting)
			ok(t, err)
		})
	}
}

// The first way of reading has the stream, of which there are three; the others report
// ErrReading. A view, a deadline, a raw descriptor and a loop that is not run take nothing.
func TestTheFirstReaderHasTheStream(t *testing.T) {
	kind := func(way string) string {
		if way == "Messages" || way == "ReadFrom" {
			return way
		}
		return "pulled"
	}
	for first, read := range readings {
		for second, other := range readings {
			t.Run(first+" then "+second, func(t *testing.T) {
				s := listen(t, "udp4", "127.0.0.1:0")
				view := s.PacketConn()
				ok(t, view.SetReadDeadline(time.Time{}))
				_, err := view.SyscallConn()
				ok(t, err)
				s.All(t.Context())
				for range s.All(nil) { // an error
				}
				a := read(t, s)
				defer a.stop()
				next := func(r reading) error {
					send(t, s, at(t, s), "x")
					_, err := r.next()
					return err
				}
				ok(t, next(a))
				if kind(first) == kind(second) {
					return
				}
				switch second {
				case "TryReceive":
					for range 2 {
						_, got := s.TryReceive()
						same(t, "received", got, false)
					}
					err, _ = take(t, "error", s.Errors())
				case "Messages":
					drained(t, "messages", s.Messages())
					err, _ = take(t, "error", s.Errors())
				default:
					b := other(t, s)
					defer b.stop()
					err = next(b)
				}
				fails(t, err, udp.ErrReading)
				shaped(t, err, "read", "")
				empty(t, "more errors", s.Errors())
				ok(t, next(a)) // it still has it
			})
		}
	}
}

// Loops run one after the other; one in the body of another is refused.
func TestTwoLoopsAtTheSameTime(t *testing.T) {
	s := listen(t, "udp4", "127.0.0.1:0")
	for _, text := range []string{"x", "y"} {
		send(t, s, at(t, s), text)
		for m, err := range s.All(t.Context()) {
			ok(t, err)
			same(t, "payload", string(m.Data), text)
			fails(t, byContext["All"](t.Context(), s), udp.ErrReading)
			break
		}
	}
}

// A socket on one address knows where its datagrams go, and one on every address is told.
func TestDestinationIsKnownWithoutBeingAsked(t *testing.T) {
	each(t, func(t *testing.T, f family) {
		for _, c := range []struct {
			address   string
			opts      []udp.Option
			to, index bool
		}{
			{":0", nil, true, true},
			{":0", []udp.Option{udp.WithPacketInfo(false)}, false, false},
			{f.local(), nil, true, false},
			{f.local(), []udp.Option{udp.WithPacketInfo(true)}, true, true},
		} {
			s := listen(t, f.network, c.address, c.opts...)
			tell(t, std(t, f), at(t, s), "x")
			m := next(t, s)
			want := netip.Addr{}
			if c.to {
				want = f.loopback
			}
			same(t, "To", m.To, want)
			same(t, "Interface is known", m.Interface != 0, c.index)
		}
	})
}
