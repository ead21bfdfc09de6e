package udp_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"example.com/dgram/udp"
)

// The ways to read and to send, a datagram an operation:
//
//	go test -run '^$' -bench . ./udp
//
// Each runs in one goroutine wherever it can, so that ns/op is processor time.
// internal/bench measures throughput, latency and memory, beside other libraries.

var sizes = []int{64, 1200}

// burst is how many datagrams wait in the kernel before they are read.
const burst = 64

// Upstream: benchmark/test-benchmark-dgram.js
func BenchmarkReceive(b *testing.B) {
	f := families()[0]
	for _, size := range sizes {
		for way, read := range map[string]func(s *udp.Socket) func(n int){
			"Messages": func(s *udp.Socket) func(int) {
				in := s.Messages()
				return func(n int) {
					for range n {
						m := <-in
						m.Release()
					}
				}
			},
			"All": func(s *udp.Socket) func(int) {
				return func(n int) {
					for m := range s.All(context.Background()) {
						m.Release()
						if n--; n == 0 {
							return
						}
					}
				}
			},
			"Receive": func(s *udp.Socket) func(int) {
				return func(n int) {
					for range n {
						m, _ := s.Receive(context.Background())
						m.Release()
					}
				}
			},
			"ReadFrom": func(s *udp.Socket) func(int) {
				view, buf := s.PacketConn(), make([]byte, 2048)
				return func(n int) {
					for range n {
						_, _, _ = view.ReadFromUDPAddrPort(buf)
					}
				}
			},
		} {
			b.Run(fmt.Sprint(size, "/", way), func(b *testing.B) {
				s := listen(b, f.network, f.local(), udp.WithReadBuffer(4<<20))
				from := dial(b, f.network, at(b, s))
				batch := slices.Repeat([]udp.Datagram{{Data: make([]byte, size)}}, burst)
				take := read(s)
				b.ReportAllocs()
				b.SetBytes(int64(size))
				for left := b.N; left > 0; left -= burst {
					n := min(left, burst)
					b.StopTimer()
					_, err := from.SendBatch(b.Context(), batch[:n])
					ok(b, err)
					b.StartTimer()
					take(n)
				}
			})
		}
	}
}

// Upstream: benchmark/test-benchmark-dgram.js
func BenchmarkSend(b *testing.B) {
	f := families()[0]
	ctx := context.Background()
	for _, size := range sizes {
		for way, send := range map[string]func(s *udp.Socket, batch []udp.Datagram) error{
			"SendTo": func(s *udp.Socket, batch []udp.Datagram) (err error) {
				for _, d := range batch {
					err = s.SendTo(ctx, d.To, d.Data)
				}
				return err
			},
			"SendBatch": func(s *udp.Socket, batch []udp.Datagram) error { _, err := s.SendBatch(ctx, batch); return err },
			"Outbox": func(s *udp.Socket, batch []udp.Datagram) error {
				for _, d := range batch {
					s.Outbox() <- d
				}
				return nil
			},
		} {
			b.Run(fmt.Sprint(size, "/", way), func(b *testing.B) {
				sink := std(b, f)
				ok(b, sink.SetReadBuffer(1)) // the kernel drops what is too much
				s := open(b, f.network)
				batch := slices.Repeat([]udp.Datagram{{To: of(sink), Data: make([]byte, size)}}, burst)
				b.ReportAllocs()
				b.SetBytes(int64(size))
				for left := b.N; left > 0; left -= burst {
					ok(b, send(s, batch[:min(left, burst)]))
				}
				ok(b, s.Flush(ctx))
			})
		}
	}
}

// Upstream: benchmark/test-benchmark-dgram.js
func BenchmarkEcho(b *testing.B) {
	f := families()[0]
	for _, size := range sizes {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			s := listen(b, f.network, f.local())
			over := begin(func() {
				for m := range s.Messages() {
					_ = s.Reply(context.Background(), m, m.Data)
					m.Release()
				}
			})
			c := dial(b, f.network, at(b, s))
			buf := make([]byte, size)
			b.ReportAllocs()
			b.SetBytes(int64(size))
			for range b.N {
				ok(b, c.Send(b.Context(), buf))
				m, err := c.Receive(b.Context())
				ok(b, err)
				m.Release()
			}
			s.Close()
			<-over
		})
	}
}
