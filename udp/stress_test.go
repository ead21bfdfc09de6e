package udp_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"example.com/dgram/udp"
)

// The read loop runs inside one callback of the poller and asks the kernel
// again only when the poller says so. An edge that is lost would leave a
// datagram in the kernel's buffer while the reader sleeps; so each of these
// has to come back before the next is sent.
func TestNoDatagramWaitsForAnother(t *testing.T) {
	each(t, func(t *testing.T, f family) {
		for name, read := range readings {
			for _, buffer := range []int{0, 1, 16} {
				t.Run(fmt.Sprint(name, " ", buffer), func(t *testing.T) {
					s := listen(t, f.network, f.local(), udp.WithMessageBuffer(buffer))
					in := start(t, read(t, s))
					from := std(t, f)
					dice := rand.New(rand.NewPCG(1, uint64(buffer)))
					for range rounds(400) {
						n := 1 + dice.IntN(3)*dice.IntN(20)
						for range dice.IntN(4) {
							runtime.Gosched()
						}
						want := make([]string, n)
						for i := range want {
							want[i] = big(dice.IntN(1400))
						}
						tell(t, from, at(t, s), want...)
						in.expect(t, want...)
					}
				})
			}
		}
	})
}

// The same while somebody sets options, asks for counts, sends and looks at
// the address: nothing of that may swallow an edge.
func TestNoDatagramWaitsWhileOthersUseTheSocket(t *testing.T) {
	f := families()[0]
	for name, read := range readings {
		t.Run(name, func(t *testing.T) {
			s := listen(t, f.network, f.local(), udp.WithReadBuffer(1<<20))
			in := start(t, read(t, s))
			from, sink := std(t, f), std(t, f)
			stop := make(chan struct{})
			busy := begin(func() {
				concurrently(3, func(i int) {
					for {
						select {
						case <-stop:
							return
						default:
						}
						switch i {
						case 0:
							s.Stats()
							s.SetTTL(7)
							s.SetReadBuffer(1 << 20)
						case 1:
							if err := s.SendTo(t.Context(), of(sink), []byte("x")); err != nil {
								t.Error(err)
							}
							s.LocalAddr()
						case 2:
							if raw, err := s.SyscallConn(); err == nil {
								raw.Control(func(uintptr) {})
							}
						}
						runtime.Gosched()
					}
				})
			})
			for i := range rounds(100) {
				want := fmt.Sprint(i, big(i%1000))
				tell(t, from, at(t, s), want)
				in.expect(t, want)
			}
			close(stop)
			ended(t, "the others", busy)
		})
	}
}

// rounds is how often a stress test goes round: less in a short run.
func rounds(n int) int {
	if testing.Short() {
		return max(1, n/10)
	}
	return n
}

// A socket that waits takes no processor time: no timer, no polling. The clock
// is another socket's round trips.
func TestIdleSocketMakesNoCalls(t *testing.T) {
	f := families()[0]
	idle, clock := listen(t, f.network, f.local()), listen(t, f.network, f.local())
	idle.Messages()
	idle.Outbox()
	send(t, idle, at(t, idle), "x")
	expect(t, idle, "x")
	before := idle.Stats()
	for range rounds(2000) {
		send(t, clock, at(t, clock), "x")
		expect(t, clock, "x")
	}
	// The reader that delivered may have looked once more, on its way to sleep.
	if after := idle.Stats(); after.ReadCalls > before.ReadCalls+1 || after.WriteCalls != before.WriteCalls {
		t.Errorf("%+v, and while nothing came %+v", before, after)
	}
}
