package udp_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
	"testing"
	"time"

	"example.com/dgram/udp"
)

// pulls are the calls that take one datagram from the pulled stream.
var pulls = map[string]func(t *testing.T, s *udp.Socket) (udp.Message, error){
	"Receive": func(t *testing.T, s *udp.Socket) (udp.Message, error) { return s.Receive(t.Context()) },
	"ReceiveBatch": func(t *testing.T, s *udp.Socket) (udp.Message, error) {
		ms := make([]udp.Message, 1)
		_, err := s.ReceiveBatch(t.Context(), ms)
		return ms[0], err
	},
	"All": func(t *testing.T, s *udp.Socket) (udp.Message, error) {
		for m, err := range s.All(t.Context()) {
			return m, err
		}
		return udp.Message{}, errors.Join(t.Context().Err(), net.ErrClosed, s.Err())
	},
	"TryReceive": func(t *testing.T, s *udp.Socket) (m udp.Message, err error) {
		eventually(t, "a datagram", func() bool {
			var got bool
			if m, got = s.TryReceive(); got {
				return true
			}
			select {
			case <-s.Done():
				err = errors.Join(net.ErrClosed, s.Err())
				return true
			default:
				return false
			}
		})
		return m, err
	},
}

func TestCallsPullOneStreamInOrder(t *testing.T) {
	each(t, func(t *testing.T, f family) {
		s := listen(t, f.network, f.local())
		from := std(t, f)
		n := 0
		for range 5 {
			for name, pull := range pulls {
				tell(t, from, at(t, s), fmt.Sprint(n), fmt.Sprint(n+1))
				for range 2 {
					m, err := pull(t, s)
					ok(t, err)
					same(t, "payload by "+name, string(m.Data), fmt.Sprint(n))
					n++
				}
			}
		}
		same(t, "received", s.Stats().Received, uint64(n))
		same(t, "waiting", s.Stats().Waiting, 0)
	})
}

func TestABodyOfAllMayReceive(t *testing.T) {
	f := families()[0]
	s := listen(t, f.network, f.local())
	from := std(t, f)
	var want []string
	for i := range 40 {
		want = append(want, fmt.Sprint(i))
	}
	tell(t, from, at(t, s), want...)
	var got []string
	for m, err := range s.All(t.Context()) {
		ok(t, err)
		got = append(got, string(m.Data))
		if len(got) == len(want) {
			break
		}
		next, err := s.Receive(t.Context())
		ok(t, err)
		if got = append(got, string(next.Data)); len(got) == len(want) {
			break
		}
	}
	same(t, "order", fmt.Sprint(got), fmt.Sprint(want))
}

func TestTryReceiveEmptiesTheKernel(t *testing.T) {
	each(t, func(t *testing.T, f family) {
		s := listen(t, f.network, f.local(), udp.WithMessageBuffer(4))
		from := std(t, f)
		if _, got := s.TryReceive(); got {
			t.Fatal("a datagram that was never sent")
		}
		for i := range 100 {
			tell(t, from, at(t, s), fmt.Sprint(i))
		}
		m, err := s.Receive(t.Context()) // sent is not arrived: the last is waited for below
		ok(t, err)
		same(t, "first", string(m.Data), "0")
		for i := 1; i < 100; {
			m, got := s.TryReceive()
			if !got {
				continue
			}
			same(t, "payload", string(m.Data), fmt.Sprint(i))
			i++
		}
		if _, got := s.TryReceive(); got {
			t.Error("one too many")
		}
	})
}

func TestTryReceiveWorksAfterACancelledReceive(t *testing.T) {
	f := families()[0]
	s := listen(t, f.network, f.local())
	for range 3 {
		ctx, cancel := context.WithCancel(t.Context())
		failed := later(func() error { _, err := s.Receive(ctx); return err })
		cancel()
		err, _ := take(t, "Receive", failed)
		fails(t, err, context.Canceled)
	}
	tell(t, std(t, f), at(t, s), "x")
	m, err := pulls["TryReceive"](t, s)
	ok(t, err)
	same(t, "payload", string(m.Data), "x")
}

func TestReceiveBatchTakesWhatIsThere(t *testing.T) {
	each(t, func(t *testing.T, f family) {
		s := listen(t, f.network, f.local())
		from := std(t, f)
		n, err := s.ReceiveBatch(t.Context(), nil)
		ok(t, err)
		same(t, "of an empty slice", n, 0)
		const sent = 50
		for i := range sent {
			tell(t, from, at(t, s), fmt.Sprint(i))
		}
		ms := make([]udp.Message, 7)
		for got := 0; got < sent; {
			ms[6].Interface = -1
			n, err := s.ReceiveBatch(t.Context(), ms)
			ok(t, err)
			if n < 1 || n > len(ms) {
				t.Fatalf("%d datagrams", n)
			}
			for i := range n {
				same(t, "payload", string(ms[i].Data), fmt.Sprint(got))
				got++
			}
			if n < len(ms) {
				same(t, "an element beyond the number", ms[6].Interface, -1)
			}
		}
	})
}

func TestReceiveFailsWithItsContextAlone(t *testing.T) {
	f := families()[0]
	s := listen(t, f.network, f.local())
	for name, receive := range map[string]func(ctx context.Context) error{
		"Receive":      func(ctx context.Context) error { _, err := s.Receive(ctx); return err },
		"ReceiveBatch": func(ctx context.Context) error { _, err := s.ReceiveBatch(ctx, make([]udp.Message, 2)); return err },
	} {
		t.Run(name, func(t *testing.T) {
			fails(t, receive(done()), context.Canceled)
			fails(t, receive(nil), syscall.EINVAL)
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			defer cancel()
			fails(t, receive(ctx), context.DeadlineExceeded)
			waiting := later(func() error { return receive(t.Context()) }) // another's cancel leaves it alone
			ctx, cancel = context.WithCancel(t.Context())
			second := later(func() error { return receive(ctx) })
			cancel()
			err, _ := take(t, "the cancelled call", second)
			fails(t, err, context.Canceled)
			tell(t, std(t, f), at(t, s), "x")
			err, _ = take(t, "the other call", waiting)
			ok(t, err)
		})
	}
}

func TestReceiversTakeTurns(t *testing.T) {
	f := families()[0]
	s := listen(t, f.network, f.local())
	const receivers, each = 8, 25
	got := make(chan string, receivers*each)
	receiving := begin(func() {
		concurrently(receivers, func(int) {
			for {
				m, err := s.Receive(t.Context())
				if errors.Is(err, net.ErrClosed) {
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
				got <- string(m.Data)
			}
		})
	})
	from := std(t, f)
	seen := map[string]bool{}
	for i := range receivers * each {
		tell(t, from, at(t, s), fmt.Sprint(i))
		m, _ := take(t, "message", got)
		seen[m] = true
	}
	same(t, "datagrams", len(seen), receivers*each)
	ok(t, s.Close())
	ended(t, "receivers", receiving)
}

// After the end a call returns what was received before, and then why.
func TestReceiveReturnsWhatCameBeforeTheEnd(t *testing.T) {
	for name, pull := range pulls {
		t.Run(name, func(t *testing.T) {
			f := families()[0]
			cause := errors.New("enough")
			ctx, cancel := context.WithCancelCause(t.Context())
			s, err := udp.Listen(ctx, f.network, f.local())
			s = mine(t, s, err)
			from := std(t, f)
			for _, p := range []string{"a", "b", "c"} {
				tell(t, from, at(t, s), p)
			}
			eventually(t, "all three are there", func() bool {
				m, got := s.TryReceive()
				return got && string(m.Data) == "a" // the first is taken
			})
			m, err := s.Receive(t.Context())
			ok(t, err)
			same(t, "payload", string(m.Data), "b")
			cancel(cause)
			ended(t, "the socket", s.Done())
			st := s.Stats()
			if st.Waiting == 1 { // c was read together with a or b
				m, err = pull(t, s)
				ok(t, err)
				same(t, "payload", string(m.Data), "c")
			}
			_, err = pull(t, s)
			fails(t, err, net.ErrClosed, cause)
			st = s.Stats()
			same(t, "accounted for", st.Received+st.DroppedClosed, 3)
			same(t, "waiting", st.Waiting, 0)
		})
	}
}

func TestReceiveOnAStreamThatIsTaken(t *testing.T) {
	f := families()[0]
	s := listen(t, f.network, f.local())
	s.Messages()
	_, err := s.Receive(t.Context())
	fails(t, err, udp.ErrReading)
	_, err = s.ReceiveBatch(t.Context(), make([]udp.Message, 1))
	fails(t, err, udp.ErrReading)
	for range 3 {
		if _, got := s.TryReceive(); got {
			t.Error("TryReceive took a datagram")
		}
	}
	err, _ = take(t, "the refusal", s.Errors())
	fails(t, err, udp.ErrReading)
	empty(t, "more refusals", s.Errors())
	many := listen(t, f.network, f.local(), udp.WithReaders(2))
	_, err = many.Receive(t.Context())
	fails(t, err, errors.ErrUnsupported)
}

func TestReceiveWaitsForTheBind(t *testing.T) {
	f := families()[0]
	s := open(t, f.network)
	if _, got := s.TryReceive(); got {
		t.Error("an unbound socket received")
	}
	got := make(chan udp.Message, 1)
	received := later(func() error { m, err := s.Receive(t.Context()); got <- m; return err })
	ok(t, s.Bind(t.Context(), f.local()))
	tell(t, std(t, f), at(t, s), "x")
	err, _ := take(t, "Receive", received)
	ok(t, err)
	same(t, "payload", string((<-got).Data), "x")
}

func TestAllocReceiveCalls(t *testing.T) {
	ceiling(t)
	f := families()[0]
	s := listen(t, f.network, f.local())
	from := std(t, f)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ms := make([]udp.Message, 4)
	to := at(t, s)
	for name, receive := range map[string]func() error{
		"Receive":      func() error { m, err := s.Receive(ctx); m.Release(); return err },
		"ReceiveBatch": func() error { n, err := s.ReceiveBatch(ctx, ms); release(ms[:n]); return err },
		"TryReceive": func() error {
			for {
				if m, got := s.TryReceive(); got {
					m.Release()
					return nil
				}
			}
		},
	} {
		n := testing.AllocsPerRun(200, func() {
			_, _ = from.WriteToUDPAddrPort([]byte("x"), to)
			if err := receive(); err != nil {
				t.Error(err)
			}
		})
		if n > 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func release(ms []udp.Message) {
	for _, m := range ms {
		m.Release()
	}
}
