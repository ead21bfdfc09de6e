package udp_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"

	"example.com/dgram/udp"
)

// pulled are the ways to read that share one stream.
var pulled = []string{"All", "Receive", "ReceiveBatch", "TryReceive"}

// Calls pull one stream, in order, also in the body of a loop of All.
func TestCallsPullOneStreamInOrder(t *testing.T) {
	each(t, func(t *testing.T, f family) {
		s := listen(t, f.network, f.local())
		from := std(t, f)
		ways := map[string]reading{}
		for _, way := range pulled {
			ways[way] = readings[way](t, s)
			t.Cleanup(ways[way].stop)
		}
		n := 0
		for range 5 {
			for way, r := range ways {
				tell(t, from, at(t, s), fmt.Sprint(n), fmt.Sprint(n+1))
				for range 2 {
					m, err := r.next()
					ok(t, err)
					same(t, "payload by "+way, string(m.Data), fmt.Sprint(n))
					n++
				}
			}
		}
		for _, r := range ways {
			r.stop() // a loop counts what it took when it ends
		}
		same(t, "received", s.Stats().Received, uint64(n))
		same(t, "waiting", s.Stats().Waiting, 0)
	})
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
	for _, way := range pulled {
		t.Run(way, func(t *testing.T) {
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
			r := readings[way](t, s)
			defer r.stop()
			if st.Waiting == 1 { // c was read together with a or b
				m, err = r.next()
				ok(t, err)
				same(t, "payload", string(m.Data), "c")
			}
			_, err = r.next()
			fails(t, err, net.ErrClosed, cause)
			st = s.Stats()
			same(t, "accounted for", st.Received+st.DroppedClosed, 3)
			same(t, "waiting", st.Waiting, 0)
		})
	}
}

func release(ms []udp.Message) {
	for _, m := range ms {
		m.Release()
	}
}
