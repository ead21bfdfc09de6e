package udp_test

import (
	"context"
	"errors"
	"fmt"
	"net"
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

// A stream is what a socket receives, read in one of the three ways.
type stream struct {
	messages <-chan udp.Message
	stop     func() // ends the reading, not the socket
}

// readers are the ways to read.
var readers = map[string]func(t testing.TB, s *udp.Socket) stream{
	"Messages": func(t testing.TB, s *udp.Socket) stream { return stream{s.Messages(), func() {}} },
	"All":      readAll,
	"ReadFrom": func(t testing.TB, s *udp.Socket) stream {
		c := make(chan udp.Message)
		ctx, cancel := context.WithCancel(context.Background())
		view := s.PacketConn()
		over := begin(func() {
			defer close(c)
			b := make([]byte, 65536)
			for {
				n, from, err := view.ReadFrom(b)
				if err != nil {
					return
				}
				m := udp.Message{Data: slices.Clone(b[:n]), From: from.(*net.UDPAddr).AddrPort()}
				select {
				case c <- m:
				case <-ctx.Done():
					return
				}
			}
		})
		stop := func() {
			cancel()
			view.SetReadDeadline(time.Unix(1, 0))
			<-over
		}
		t.Cleanup(stop)
		return stream{c, stop}
	},
}

func readAll(t testing.TB, s *udp.Socket) stream {
	c := make(chan udp.Message)
	ctx, cancel := context.WithCancel(context.Background())
	over := begin(func() {
		defer close(c)
		for m, err := range s.All(ctx) {
			if err != nil {
				continue
			}
			select {
			case c <- m:
			case <-ctx.Done():
				return
			}
		}
	})
	stop := func() { cancel(); <-over }
	t.Cleanup(stop)
	return stream{c, stop}
}

func (s stream) expect(t testing.TB, payloads ...string) {
	t.Helper()
	for _, want := range payloads {
		m, open := take(t, "message", s.messages)
		if !open {
			t.Fatalf("the stream is over, want %q", brief(want))
		}
		if got := string(m.Data); got != want {
			t.Fatalf("received %q, want %q", brief(got), brief(want))
		}
	}
}

// everyReader runs a test for each way of reading and each family.
func everyReader(t *testing.T, f func(t *testing.T, fam family, read func(testing.TB, *udp.Socket) stream)) {
	each(t, func(t *testing.T, fam family) {
		for name, read := range readers {
			t.Run(name, func(t *testing.T) { f(t, fam, read) })
		}
	})
}

func TestEveryDatagramOnceAndInOrder(t *testing.T) {
	everyReader(t, func(t *testing.T, f family, read func(testing.TB, *udp.Socket) stream) {
		s := listen(t, f.network, f.local(), udp.WithReadBuffer(1<<20))
		from := dial(t, f.network, at(t, s))
		in := read(t, s)
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
	everyReader(t, func(t *testing.T, f family, read func(testing.TB, *udp.Socket) stream) {
		for _, size := range []int{1, 64, 1200, 9000} {
			s := listen(t, f.network, f.local(), udp.WithReadBuffer(2<<20))
			in := read(t, s)
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
	everyReader(t, func(t *testing.T, f family, read func(testing.TB, *udp.Socket) stream) {
		s := listen(t, f.network, f.local())
		in := read(t, s)
		from := std(t, f)
		tell(t, from, at(t, s), "", "a", "", "", "b", "")
		in.expect(t, "", "a", "", "", "b", "")
		received(t, s, 6)
		same(t, "ReceivedBytes", s.Stats().ReceivedBytes, 2)
	})
}

func TestLongestDatagramArrivesWhole(t *testing.T) {
	everyReader(t, func(t *testing.T, f family, read func(testing.TB, *udp.Socket) stream) {
		limit := 65507
		if f.network == "udp6" {
			limit = 65527
		}
		s := listen(t, f.network, f.local())
		in := read(t, s)
		from := dial(t, f.network, at(t, s))
		for _, n := range []int{limit, 1, limit - 1, 8191, 8192, 8193} {
			ok(t, from.Send(t.Context(), []byte(big(n))))
			in.expect(t, big(n))
		}
	})
}

// The bytes are the receiver's: nothing that arrives later changes them.
func TestDataIsTheReceiversToKeep(t *testing.T) {
	for name, read := range readers {
		for _, size := range []int{1, 64, 1200, 8192, 30000} {
			t.Run(fmt.Sprint(name, " ", size), func(t *testing.T) {
				f := families()[0]
				s := listen(t, f.network, f.local(), udp.WithReadBuffer(1<<20))
				in := read(t, s)
				from := dial(t, f.network, at(t, s))
				var kept []udp.Message
				for i := range 64 {
					p := make([]byte, size)
					for k := range p {
						p[k] = byte(i)
					}
					ok(t, from.Send(t.Context(), p))
					m, _ := take(t, "message", in.messages)
					kept = append(kept, m)
				}
				for i, m := range kept {
					for k, b := range m.Data {
						if b != byte(i) {
							t.Fatalf("byte %d of message %d is %d", k, i, b)
						}
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

func TestDestinationIsKnownWithoutBeingAsked(t *testing.T) {
	each(t, func(t *testing.T, f family) {
		index := 0
		for _, c := range []struct {
			what     string
			address  string
			opts     []udp.Option
			to       bool
			incoming bool
		}{
			{"every interface", ":0", nil, true, true},
			{"every interface, off", ":0", []udp.Option{udp.WithPacketInfo(false)}, false, false},
			{"one address", f.local(), nil, true, false},
			{"one address, on", f.local(), []udp.Option{udp.WithPacketInfo(true)}, true, true},
		} {
			t.Run(c.what, func(t *testing.T) {
				s := listen(t, f.network, c.address, c.opts...)
				from := std(t, f)
				tell(t, from, at(t, s), "x")
				m := next(t, s)
				same(t, "To is known", m.To.IsValid(), c.to)
				if c.to {
					same(t, "To", m.To, f.loopback)
				}
				same(t, "Interface is known", m.Interface != 0, c.incoming)
				if c.incoming && !netlab.Swapped() {
					lo, err := net.InterfaceByIndex(m.Interface)
					ok(t, err)
					same(t, "loopback", lo.Flags&net.FlagLoopback != 0, true)
					index = m.Interface
				}
			})
		}
		_ = index
	})
}

// Upstream: parallel/test-dgram-blocklist.js
func TestReceiveBlockList(t *testing.T) {
	everyReader(t, func(t *testing.T, f family, read func(testing.TB, *udp.Socket) stream) {
		if f.network != "udp4" {
			t.Skip("::1 is the only loopback address of IPv6")
		}
		for _, network := range []string{"udp4", "udp6"} {
			if network == "udp6" {
				needIPv6(t)
			}
			s := listen(t, network, ":0", udp.WithReceiveBlockList(netip.MustParsePrefix("127.0.0.2/32")))
			in := read(t, s)
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
		for name, read := range readers {
			t.Run(fmt.Sprint(name, " ", size), func(t *testing.T) {
				f := families()[0]
				s := listen(t, f.network, f.local(), udp.WithMaxDatagram(size))
				in := read(t, s)
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

// The first way of reading has the stream; the others report ErrReading.
func TestTheFirstReaderHasTheStream(t *testing.T) {
	use := map[string]func(s *udp.Socket) error{
		"Messages": func(s *udp.Socket) error {
			if _, open := take(t, "message", s.Messages()); open {
				return nil
			}
			err, _ := take(t, "error", s.Errors())
			return err
		},
		"All": func(s *udp.Socket) error {
			for _, err := range s.All(t.Context()) {
				return err
			}
			return errors.New("nothing yielded")
		},
		"ReadFrom": func(s *udp.Socket) error {
			_, _, err := s.PacketConn().ReadFrom(make([]byte, 1))
			return err
		},
	}
	for first, f := range use {
		for second, g := range use {
			t.Run(first+" then "+second, func(t *testing.T) {
				s := listen(t, "udp4", "127.0.0.1:0")
				again := func() { send(t, s, at(t, s), "x") }
				again()
				ok(t, f(s))
				for range 2 {
					again()
					if err := g(s); first == second {
						ok(t, err)
					} else {
						fails(t, err, udp.ErrReading)
						shaped(t, err, "read", "")
					}
				}
				again()
				ok(t, f(s)) // it still has it
			})
		}
	}
}

// A view, a deadline and a raw descriptor are no use of the stream.
func TestOnlyReadingClaimsTheStream(t *testing.T) {
	s := listen(t, "udp4", "127.0.0.1:0")
	view := s.PacketConn()
	ok(t, view.SetDeadline(time.Now().Add(time.Hour)))
	ok(t, view.SetReadDeadline(time.Unix(1, 0)))
	_, err := view.WriteTo([]byte("x"), net.UDPAddrFromAddrPort(at(t, s)))
	ok(t, err)
	_, err = s.SyscallConn()
	ok(t, err)
	s.All(t.Context())
	expect(t, s, "x")
	send(t, s, at(t, s), "y")
	expect(t, s, "y")
	empty(t, "errors", s.Errors())
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
	everyReader(t, func(t *testing.T, f family, read func(testing.TB, *udp.Socket) stream) {
		s := listen(t, f.network, f.local())
		from := std(t, f)
		tell(t, from, at(t, s), "a", "b", "c")
		st := s.Stats()
		same(t, "Received", st.Received, 0)
		same(t, "ReadCalls", st.ReadCalls, 0)
		read(t, s).expect(t, "a", "b", "c")
	})
}

// Upstream: parallel/test-dgram-listen-after-bind.js
func TestReadersWaitForTheBind(t *testing.T) {
	for _, name := range []string{"Messages", "All"} {
		t.Run(name, func(t *testing.T) {
			f := families()[0]
			s := open(t, f.network)
			in := readers[name](t, s)
			empty(t, "messages", in.messages)
			ok(t, s.Bind(t.Context(), f.local()))
			tell(t, std(t, f), at(t, s), "x")
			in.expect(t, "x")
		})
	}
}

func TestAllEndsWithItsContext(t *testing.T) {
	f := families()[0]
	s := listen(t, f.network, f.local())
	for what, ctx := range map[string]func() (context.Context, context.CancelFunc){
		"before": func() (context.Context, context.CancelFunc) { return done(), func() {} },
		"deadline": func() (context.Context, context.CancelFunc) {
			return context.WithTimeout(t.Context(), time.Millisecond)
		},
	} {
		ctx, cancel := ctx()
		door(t, what, func() {
			for m, err := range s.All(ctx) {
				t.Errorf("%s: yielded %v, %v", what, m, err)
			}
		})
		cancel()
	}
	for range 20 { // the context ends while the loop waits
		ctx, cancel := context.WithCancel(t.Context())
		over := begin(func() {
			for m, err := range s.All(ctx) {
				t.Errorf("yielded %v, %v", m, err)
			}
		})
		cancel()
		ended(t, "loop", over)
	}
	send(t, s, at(t, s), "x")
	for m, err := range s.All(t.Context()) {
		ok(t, err)
		same(t, "payload", string(m.Data), "x")
		break
	}
}

func TestAllWithNilContext(t *testing.T) {
	s := listen(t, "udp4", "127.0.0.1:0")
	n := 0
	for _, err := range s.All(nil) {
		fails(t, err, syscall.EINVAL)
		n++
	}
	same(t, "yields", n, 1)
	s.Messages() // it had claimed nothing
	empty(t, "errors", s.Errors())
}

func TestTwoLoopsAtTheSameTime(t *testing.T) {
	s := listen(t, "udp4", "127.0.0.1:0")
	send(t, s, at(t, s), "x")
	for m, err := range s.All(t.Context()) {
		ok(t, err)
		same(t, "payload", string(m.Data), "x")
		n := 0
		for _, err := range s.All(t.Context()) {
			fails(t, err, udp.ErrReading)
			n++
		}
		same(t, "yields of the second", n, 1)
		break
	}
	send(t, s, at(t, s), "y")
	for m, err := range s.All(t.Context()) { // one after the other is fine
		ok(t, err)
		same(t, "payload", string(m.Data), "y")
		break
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
	same(t, "accounted for", accounted(st), 10)
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
