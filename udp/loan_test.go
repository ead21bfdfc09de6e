package udp_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync/atomic"
	"testing"

	"example.com/dgram/udp"
)

// burstTo sends the numbers from first on as datagrams of one size, which the
// receiver finds as few bursts where the system has them.
func burstTo(t testing.TB, from, to *udp.Socket, first, n int) {
	t.Helper()
	batch := make([]udp.Datagram, n)
	for i := range batch {
		batch[i] = udp.Datagram{Data: fmt.Appendf(nil, "%06d", first+i), To: at(t, to)}
	}
	_, err := from.SendBatch(t.Context(), batch)
	ok(t, err)
}

func number(t testing.TB, m udp.Message) int {
	t.Helper()
	n, err := strconv.Atoi(string(m.Data))
	ok(t, err)
	return n
}

func TestTheBodyOfALoopGoesOnInsideABurst(t *testing.T) {
	each(t, func(t *testing.T, f family) {
		from, s := listen(t, f.network, f.local()), listen(t, f.network, f.local())
		s.TryReceive() // from now on bursts stay whole
		const total = 60
		for first := 0; first < total; first += 4 {
			burstTo(t, from, s, first, 4)
		}
		at := 0
		expect := func(by string, m udp.Message) {
			t.Helper()
			same(t, "datagram by "+by, number(t, m), at)
			m.Release()
			at++
		}
		for turn := 0; at < total; turn++ {
			for m, err := range s.All(t.Context()) {
				ok(t, err)
				expect("All", m)
				switch {
				case at == total || at%7 == 0: // the loop is left in the middle of a burst, and begun again
				case at%5 == 0:
					m, err := s.Receive(t.Context())
					ok(t, err)
					expect("Receive", m)
				case at%11 == 0:
					ms := make([]udp.Message, min(3, total-at))
					n, err := s.ReceiveBatch(t.Context(), ms)
					ok(t, err)
					for _, m := range ms[:n] {
						expect("ReceiveBatch", m)
					}
				case at%13 == 0:
					if m, got := s.TryReceive(); got {
						expect("TryReceive", m)
					}
				default:
					continue
				}
				if at == total || turn < at/7 {
					break
				}
			}
		}
		same(t, "received", s.Stats().Received, total)
		same(t, "waiting", s.Stats().Waiting, 0)
	})
}

func TestWhatALoopLeavesOutlivesTheSocket(t *testing.T) {
	f := families()[0]
	from, s := listen(t, f.network, f.local()), listen(t, f.network, f.local())
	s.TryReceive()
	burstTo(t, from, s, 0, 20)
	read := 0
	for m, err := range s.All(t.Context()) {
		ok(t, err)
		same(t, "datagram", number(t, m), read)
		if read++; read == 3 {
			break
		}
	}
	ok(t, s.Close())
	for m, err := range s.All(t.Context()) {
		ok(t, err)
		same(t, "datagram after the end", number(t, m), read)
		if read++; read%4 == 0 {
			m, err := s.Receive(t.Context())
			if errors.Is(err, net.ErrClosed) {
				break
			}
			ok(t, err)
			same(t, "datagram of Receive after the end", number(t, m), read)
			read++
		}
	}
	st := s.Stats()
	same(t, "received", st.Received, uint64(read))
	same(t, "accounted for", st.Received+st.DroppedClosed, 20)
	same(t, "waiting", st.Waiting, 0)
}

func TestALoopAndReceiversShareTheStreamWithoutLossOrReordering(t *testing.T) {
	f := families()[0]
	from, s := listen(t, f.network, f.local()), listen(t, f.network, f.local(), udp.WithReadBuffer(1<<20))
	s.TryReceive()
	const rounds, burst, receivers = 60, 50, 3
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	seen := make([]atomic.Int32, rounds*burst)
	var taken atomic.Int64
	note := func(m udp.Message, last *int) {
		n := number(t, m)
		if n <= *last {
			t.Errorf("%d after %d", n, *last)
		}
		*last = n
		if seen[n].Add(1) > 1 {
			t.Errorf("%d twice", n)
		}
		m.Release()
		taken.Add(1)
	}
	receiving := begin(func() {
		concurrently(receivers+1, func(i int) {
			last := -1
			for i == receivers && ctx.Err() == nil {
				left := 1 + max(last, 0)%13
				for m, err := range s.All(ctx) {
					ok(t, err)
					note(m, &last)
					if left--; left == 0 {
						break
					}
				}
			}
			for i < receivers {
				m, err := s.Receive(ctx)
				if errors.Is(err, context.Canceled) {
					return
				}
				ok(t, err)
				note(m, &last)
			}
		})
	})
	for i := range rounds {
		burstTo(t, from, s, i*burst, burst)
		eventually(t, "the burst is taken", func() bool { return taken.Load() == int64(i+1)*burst })
	}
	cancel()
	ended(t, "receivers", receiving)
	same(t, "received", s.Stats().Received, rounds*burst)
}
