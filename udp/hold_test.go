package udp_test

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"testing"

	"example.com/dgram/udp"
)

// A reader may hold full batches back while there is more to read. However many
// datagrams wait when it begins, all of them arrive, in order, and without
// another one that pushes them along.
func TestWhatIsHeldBackDoesNotWait(t *testing.T) {
	const most = 180 // fit into the receive buffer of a stock system
	f := families()[0]
	for _, procs := range []int{1, 2, 8} {
		t.Run(fmt.Sprint(procs), func(t *testing.T) {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
			for n := uint64(1); n <= most; n++ {
				s := open(t, f.network, udp.WithOffload(n%2 == 0))
				ok(t, s.Bind(t.Context(), f.local()))
				from := dial(t, f.network, at(t, s))
				for i := range n {
					ok(t, from.Send(t.Context(), binary.BigEndian.AppendUint64(nil, i)))
				}
				messages := s.Messages()
				for i := range n {
					m, _ := take(t, fmt.Sprintf("datagram %d of %d", i, n), messages)
					same(t, "datagram", binary.BigEndian.Uint64(m.Data), i)
					m.Release()
				}
				received(t, s, n)
				same(t, "Waiting", s.Stats().Waiting, 0)
				ok(t, s.Close())
				ok(t, from.Close())
			}
		})
	}
}

// What is held back when the socket ends is delivered as far as there is room,
// and counted.
func TestWhatIsHeldBackIsCountedAtTheEnd(t *testing.T) {
	f := families()[0]
	for _, procs := range []int{1, 2, 8} {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
		for n := range uint64(40) {
			s := open(t, f.network)
			ok(t, s.Bind(t.Context(), f.local()))
			from := dial(t, f.network, at(t, s))
			for range 150 {
				ok(t, from.Send(t.Context(), []byte("x")))
			}
			messages := s.Messages()
			for range n {
				take(t, "a datagram", messages)
			}
			ok(t, s.Close())
			got := n
			for range messages {
				got++
			}
			st := s.Stats()
			same(t, "received", st.Received, got)
			same(t, "received, dropped at the end and by the kernel", st.Received+st.DroppedClosed+st.DroppedKernel, 150)
		}
	}
}
