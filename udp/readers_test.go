package udp_test

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"example.com/dgram/udp"
)

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
