package udp_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"

	"example.com/dgram/udp"
)

// Package net and dgram, side by side:
//
//	go test -run '^$' -bench . ./udp
//
// An operation is one datagram. Each benchmark runs in one goroutine wherever
// it can, so that ns/op is processor time; internal/bench measures the rest.

var sizes = []int{64, 1200}

// burst is how many datagrams wait in the kernel before they are read.
const burst = 64

// Upstream: benchmark/test-benchmark-dgram.js
func BenchmarkReceive(b *testing.B) {
	f := families()[0]
	for _, size := range sizes {
		// fill sends the next datagrams, while the clock stands still.
		fill := func(b *testing.B, from *udp.Socket, batch []udp.Datagram, n int) {
			b.StopTimer()
			_, err := from.SendBatch(context.Background(), batch[:n])
			ok(b, err)
			b.StartTimer()
		}
		run := func(name string, receive func(b *testing.B, s *udp.Socket) func(n int)) {
			b.Run(fmt.Sprintf("%d/%s", size, name), func(b *testing.B) {
				s := listen(b, f.network, f.local(), udp.WithReadBuffer(4<<20))
				from := dial(b, f.network, at(b, s))
				batch := make([]udp.Datagram, burst)
				for i := range batch {
					batch[i].Data = make([]byte, size)
				}
				take := receive(b, s)
				b.ReportAllocs()
				b.SetBytes(int64(size))
				for left := b.N; left > 0; left -= burst {
					n := min(left, burst)
					fill(b, from, batch, n)
					take(n)
				}
			})
		}
		b.Run(fmt.Sprintf("%d/std", size), func(b *testing.B) {
			c := std(b, f)
			ok(b, c.SetReadBuffer(4<<20))
			from := dial(b, f.network, of(c))
			batch := make([]udp.Datagram, burst)
			for i := range batch {
				batch[i].Data = make([]byte, size)
			}
			buf := make([]byte, 2048)
			b.ReportAllocs()
			b.SetBytes(int64(size))
			for left := b.N; left > 0; left -= burst {
				n := min(left, burst)
				fill(b, from, batch, n)
				for range n {
					if _, _, err := c.ReadFromUDPAddrPort(buf); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
		messages := func(release bool) func(*testing.B, *udp.Socket) func(int) {
			return func(b *testing.B, s *udp.Socket) func(int) {
				in := s.Messages()
				return func(n int) {
					for range n {
						if m := <-in; release {
							m.Release()
						}
					}
				}
			}
		}
		run("ours Messages", messages(false))
		run("ours Messages, Release", messages(true))
		run("ours All, Release", func(b *testing.B, s *udp.Socket) func(int) {
			return func(n int) {
				for m := range s.All(context.Background()) {
					m.Release()
					if n--; n == 0 {
						return
					}
				}
			}
		})
		run("ours ReadFrom", func(b *testing.B, s *udp.Socket) func(int) {
			view := s.PacketConn()
			buf := make([]byte, 2048)
			return func(n int) {
				for range n {
					if _, _, err := view.ReadFromUDPAddrPort(buf); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

// Upstream: benchmark/test-benchmark-dgram.js
func BenchmarkSend(b *testing.B) {
	f := families()[0]
	ctx := context.Background()
	for _, size := range sizes {
		payload := make([]byte, size)
		// The sink's buffer is small, and the kernel drops what is too much.
		run := func(name string, prepare func(b *testing.B, sink *net.UDPConn) (send func(n int) int)) {
			b.Run(fmt.Sprintf("%d/%s", size, name), func(b *testing.B) {
				sink := std(b, f)
				ok(b, sink.SetReadBuffer(1))
				send := prepare(b, sink)
				b.ReportAllocs()
				b.SetBytes(int64(size))
				b.ResetTimer()
				for left := b.N; left > 0; {
					left -= send(left)
				}
			})
		}
		run("std", func(b *testing.B, sink *net.UDPConn) func(int) int {
			c, to := std(b, f), of(sink)
			return func(int) int {
				if _, err := c.WriteToUDPAddrPort(payload, to); err != nil {
					b.Fatal(err)
				}
				return 1
			}
		})
		run("ours SendTo", func(b *testing.B, sink *net.UDPConn) func(int) int {
			s, to := open(b, f.network), of(sink)
			return func(int) int {
				if err := s.SendTo(ctx, to, payload); err != nil {
					b.Fatal(err)
				}
				return 1
			}
		})
		run("ours SendBatch", func(b *testing.B, sink *net.UDPConn) func(int) int {
			s := open(b, f.network)
			batch := make([]udp.Datagram, burst)
			for i := range batch {
				batch[i] = udp.Datagram{Data: payload, To: of(sink)}
			}
			return func(n int) int {
				n, err := s.SendBatch(ctx, batch[:min(n, burst)])
				if err != nil {
					b.Fatal(err)
				}
				return n
			}
		})
		run("ours Outbox", func(b *testing.B, sink *net.UDPConn) func(int) int {
			s, to := open(b, f.network), of(sink)
			outbox := s.Outbox()
			b.Cleanup(func() { s.Flush(ctx) })
			return func(int) int {
				outbox <- udp.Datagram{Data: payload, To: to}
				return 1
			}
		})
	}
}

// Upstream: benchmark/test-benchmark-dgram.js
func BenchmarkEcho(b *testing.B) {
	f := families()[0]
	for _, size := range sizes {
		run := func(name string, serve func(b *testing.B) (address net.Addr, stop func())) {
			b.Run(fmt.Sprintf("%d/%s", size, name), func(b *testing.B) {
				server, stop := serve(b)
				defer stop()
				c, err := net.DialUDP(f.network, nil, server.(*net.UDPAddr))
				ok(b, err)
				defer c.Close()
				buf := make([]byte, size)
				b.ReportAllocs()
				b.SetBytes(int64(size))
				b.ResetTimer()
				for range b.N {
					if _, err := c.Write(buf); err != nil {
						b.Fatal(err)
					}
					if _, err := c.Read(buf); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		run("std", func(b *testing.B) (net.Addr, func()) {
			c := std(b, f)
			over := begin(func() {
				buf := make([]byte, 2048)
				for {
					n, from, err := c.ReadFromUDPAddrPort(buf)
					if errors.Is(err, net.ErrClosed) {
						return
					}
					c.WriteToUDPAddrPort(buf[:n], from)
				}
			})
			return c.LocalAddr(), func() { c.Close(); <-over }
		})
		serve := func(echo func(s *udp.Socket)) func(b *testing.B) (net.Addr, func()) {
			return func(b *testing.B) (net.Addr, func()) {
				s := listen(b, f.network, f.local())
				over := begin(func() { echo(s) })
				return net.UDPAddrFromAddrPort(at(b, s)), func() { s.Close(); <-over }
			}
		}
		run("ours Messages", serve(func(s *udp.Socket) {
			for m := range s.Messages() {
				s.Reply(context.Background(), m, m.Data)
				m.Release()
			}
		}))
		run("ours All", serve(func(s *udp.Socket) {
			for m := range s.All(context.Background()) {
				s.Reply(context.Background(), m, m.Data)
				m.Release()
			}
		}))
		run("ours ReadFrom", serve(func(s *udp.Socket) {
			view := s.PacketConn()
			buf := make([]byte, 2048)
			for {
				n, from, err := view.ReadFromUDPAddrPort(buf)
				if errors.Is(err, net.ErrClosed) {
					return
				}
				view.WriteToUDPAddrPort(buf[:n], from)
			}
		}))
	}
}
