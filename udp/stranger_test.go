package udp_test

import (
	"context"
	"fmt"
	"testing"

	"example.com/dgram/udp"
)

// From the return of Connect on, nothing of a stranger's is delivered, wherever it was:
// in the kernel's buffer, in the hand of a reader, in the channel. The peer's datagrams
// come in order, and each datagram is delivered or counted.
func TestNoStrangerIsHeardAfterConnect(t *testing.T) {
	const n = 60 // of each
	for name, read := range readings {
		for _, buffer := range []int{0, 1, 15, 2 * n} {
			if name != "Messages" && buffer != 0 {
				continue
			}
			each(t, func(t *testing.T, f family) {
				t.Run(fmt.Sprintf("%s/%d", name, buffer), func(t *testing.T) {
					s := listen(t, f.network, f.local(), udp.WithMessageBuffer(buffer))
					peer, stranger := std(t, f), std(t, f)
					for i := range n {
						tell(t, stranger, at(t, s), "from a stranger")
						tell(t, peer, at(t, s), fmt.Sprint(i))
					}
					r := read(t, s)
					defer r.stop()
					strangers := 0
					next := func() string {
						m, err := r.next()
						ok(t, err)
						return string(m.Data)
					}
					if got := next(); got == "from a stranger" {
						strangers++
						same(t, "the second", next(), "0")
					}
					ok(t, s.Connect(context.Background(), of(peer).String()))
					for i := 1; i < n; i++ {
						same(t, "datagram", next(), fmt.Sprint(i))
					}
					r.stop()
					eventually(t, "everything is counted", func() bool {
						st := s.Stats()
						return st.Received == uint64(n+strangers) && st.Waiting == 0
					})
					if dropped := s.Stats().DroppedBlocked; dropped > uint64(n-strangers) {
						t.Errorf("%d of %d dropped", dropped, n-strangers)
					}
				})
			})
		}
	}
}
