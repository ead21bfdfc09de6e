package udp_test

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"runtime/debug"
	"testing"

	"example.com/dgram/udp"
)

// What the data path may allocate for a datagram. The race detector and the
// portable kernel path have costs of their own.
func ceiling(t *testing.T) {
	t.Helper()
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	if portable {
		t.Skip("the portable path allocates")
	}
}

// allocations counts those of n calls of f, per call, when all is warm: the
// least of three tries, as others of the process allocate too.
func allocations(n int, f func()) float64 {
	for range n / 10 {
		f()
	}
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // pools stay full
	least := math.Inf(1)
	for range 3 {
		runtime.GC()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range n {
			f()
		}
		runtime.ReadMemStats(&after)
		least = min(least, float64(after.Mallocs-before.Mallocs)/float64(n))
	}
	return least
}

func TestAllocSend(t *testing.T) {
	ceiling(t)
	each(t, func(t *testing.T, f family) {
		to := deserted(t, f)
		sink := std(t, f)
		for _, size := range []int{64, 1200} {
			payload, half := make([]byte, size), make([]byte, size/2)
			s := listen(t, f.network, f.local())
			connected := dial(t, f.network, of(sink))
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			batch := make([]udp.Datagram, 16)
			for i := range batch {
				batch[i] = udp.Datagram{Data: payload, To: of(sink)}
			}
			for what, send := range map[string]func() error{
				"SendTo":                 func() error { return s.SendTo(context.Background(), to, payload) },
				"SendTo with a deadline": func() error { return s.SendTo(ctx, to, payload) },
				"SendTo, parts":          func() error { return s.SendTo(ctx, to, half, half) },
				"Send":                   func() error { return connected.Send(context.Background(), payload) },
				"Reply":                  func() error { return s.Reply(ctx, udp.Message{From: to}, payload) },
				"SendBatch":              func() error { _, err := s.SendBatch(ctx, batch); return err },
			} {
				var failed error
				if n := testing.AllocsPerRun(500, func() {
					if err := send(); err != nil {
						failed = err
					}
				}); n > 0 {
					t.Errorf("%s, %d bytes: %v allocations a call", what, size, n)
				}
				ok(t, failed)
			}
		}
	})
}

func TestAllocOutbox(t *testing.T) {
	ceiling(t)
	f := families()[0]
	sink := std(t, f)
	for _, size := range []int{64, 1200} {
		payload := make([]byte, size)
		s := open(t, f.network)
		outbox, to := s.Outbox(), of(sink)
		n := allocations(5000, func() { outbox <- udp.Datagram{Data: payload, To: to} })
		ok(t, s.Flush(t.Context()))
		if n > .02 {
			t.Errorf("%d bytes: %v allocations a datagram", size, n)
		}
	}
}

func TestAllocReceive(t *testing.T) {
	ceiling(t)
	each(t, func(t *testing.T, f family) {
		for _, size := range []int{64, 1200} {
			for _, release := range []bool{true, false} {
				t.Run(fmt.Sprintf("%d bytes, released %v", size, release), func(t *testing.T) {
					payload := make([]byte, size)
					for what, receive := range map[string]func(s *udp.Socket) func(n int){
						"Messages": func(s *udp.Socket) func(int) {
							in := s.Messages()
							return func(n int) {
								for range n {
									if m := <-in; release {
										m.Release()
									}
								}
							}
						},
						"All": func(s *udp.Socket) func(int) {
							return func(n int) {
								for m := range s.All(context.Background()) {
									if release {
										m.Release()
									}
									if n--; n == 0 {
										return
									}
								}
							}
						},
						"Receive": func(s *udp.Socket) func(int) {
							ctx := t.Context()
							return func(n int) {
								for range n {
									if m, _ := s.Receive(ctx); release {
										m.Release()
									}
								}
							}
						},
						"ReceiveBatch": func(s *udp.Socket) func(int) {
							ctx, ms := t.Context(), make([]udp.Message, 4)
							return func(left int) {
								for left > 0 {
									n, _ := s.ReceiveBatch(ctx, ms[:min(left, len(ms))])
									for _, m := range ms[:n] {
										if release {
											m.Release()
										}
									}
									left -= n
								}
							}
						},
					} {
						s := listen(t, f.network, f.local(), udp.WithReadBuffer(1<<20))
						from := dial(t, f.network, at(t, s))
						take := receive(s)
						const burst = 200
						n := allocations(50, func() {
							for range burst {
								from.Send(context.Background(), payload)
							}
							take(burst)
						}) / burst
						limit := .025 // 4 KiB hold 64 bytes 62 times: that is .016 alone
						if size == 1200 && !release {
							limit = .085 // 16 KiB hold 1200 bytes 13 times: that is .077 alone
						}
						if what == "All" {
							limit += 10. / burst // the loop's own
						}
						if n > limit {
							t.Errorf("%s: %.3f allocations a datagram, want %.3f", what, n, limit)
						}
					}
				})
			}
		}
	})
}
