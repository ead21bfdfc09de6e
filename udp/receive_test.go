package udp_test

import (
	"context"
	"fmt"
	"net/netip"
	"syscall"
	"testing"
	"time"

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
