package session_test

import (
	"context"
	"fmt"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"example.com/dgram/udp"
	"example.com/dgram/udp/session"
)

// peers returns one datagram from each of n peers.
func peers(n int) []udp.Message {
	batch := make([]udp.Message, n)
	to := netip.MustParseAddr("192.0.2.1")
	for i := range batch {
		from := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		batch[i] = udp.Message{Data: []byte("hello"), From: netip.AddrPortFrom(from, 4000), To: to}
	}
	return batch
}

// filled returns a mux with a session for each of n peers.
func filled(b testing.TB, n int, opts ...session.Option) (*session.Mux, []udp.Message, []*session.Session) {
	b.Helper()
	m, _ := mux(b, append([]session.Option{session.Max(n, session.RefuseNew), session.Backlog(n)}, opts...)...)
	batch := peers(n)
	m.Deliver(batch)
	all := make([]*session.Session, n)
	for i := range all {
		all[i] = <-m.Sessions()
	}
	return m, batch, all
}

// processorTime reports what the benchmark took of the processor for each of its
// operations: on a machine that has other work the time on the wall says little.
func processorTime(b *testing.B) {
	begin := processor()
	b.Cleanup(func() { b.ReportMetric(float64(processor()-begin)/float64(b.N), "cpu-ns/op") })
}

// What a datagram costs between the socket and the stream of its session, with
// the taking of it.
func BenchmarkDemultiplexer(b *testing.B) {
	for _, n := range []int{1, 100, 10_000} {
		b.Run(fmt.Sprintf("sessions=%d/channel", n), func(b *testing.B) {
			m, batch, all := filled(b, n)
			for _, c := range all {
				<-c.Messages()
			}
			b.ReportAllocs()
			b.ResetTimer()
			processorTime(b)
			for i := 0; i < b.N; {
				part := batch[i%n : min(i%n+64, n)]
				m.Deliver(part)
				for j := range part {
					<-all[i%n+j].Messages()
				}
				i += len(part)
			}
		})
		b.Run(fmt.Sprintf("sessions=%d/call", n), func(b *testing.B) {
			m, batch, all := filled(b, n)
			for _, c := range all {
				c.Receive(b.Context())
			}
			b.ReportAllocs()
			b.ResetTimer()
			processorTime(b)
			for i := 0; i < b.N; {
				part := batch[i%n : min(i%n+64, n)]
				m.Deliver(part)
				for j := range part {
					all[i%n+j].Receive(b.Context())
				}
				i += len(part)
			}
		})
	}
	// What the taking costs by itself, and a channel between two goroutines would.
	b.Run("channel alone", func(b *testing.B) {
		c := make(chan udp.Message, 16)
		m := peers(1)[0]
		processorTime(b)
		for range b.N {
			c <- m
			<-c
		}
	})
}

// What a peer costs that is new, and evicts another.
func BenchmarkNewPeer(b *testing.B) {
	const n = 65536
	for _, policy := range []session.SessionPolicy{session.RefuseNew, session.EvictIdlest} {
		b.Run(policy.String(), func(b *testing.B) {
			m, _, _ := filled(b, n, session.Max(n, policy))
			batch := peers(8 * n)[n:]
			b.ReportAllocs()
			b.ResetTimer()
			processorTime(b)
			for i := 0; i < b.N; i += 64 {
				at := i % (len(batch) - 64)
				m.Deliver(batch[at : at+64])
				for len(m.Sessions()) > 0 {
					<-m.Sessions()
				}
			}
		})
	}
}

// The memory of an idle session.
func BenchmarkIdleSession(b *testing.B) {
	for b.Loop() {
		b.ReportMetric(idleBytes(b, 100_000), "bytes/session")
	}
}

// idleBytes is what one of n sessions takes that have been read and answered.
func idleBytes(t testing.TB, n int) float64 {
	batch := peers(n)
	before := heap()
	m, _ := mux(t, session.Max(n, session.RefuseNew), session.Backlog(1))
	for i := range batch {
		m.Deliver(batch[i : i+1])
		if _, err := (<-m.Sessions()).Receive(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	used := float64(heap()-before) / float64(n)
	if m.Len() != n {
		t.Fatalf("%d sessions", m.Len())
	}
	runtime.KeepAlive(batch)
	return used
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return s.HeapAlloc
}

// What a datagram costs from the sender's call to the reader, over loopback, with
// ten thousand peers who take turns: through Messages of the socket, and through
// as many sessions, each with a goroutine.
func BenchmarkTenThousandPeers(b *testing.B) {
	const sockets, addresses, part = 50, 200, 50
	var senders []*udp.Socket
	for range sockets {
		senders = append(senders, listen(b, "0.0.0.0:0"))
	}
	run := func(b *testing.B, s *udp.Socket, done <-chan struct{}) {
		batch := make([]udp.Datagram, addresses)
		for i := range batch {
			batch[i] = udp.Datagram{Data: make([]byte, 64), To: s.LocalAddr(), From: netip.AddrFrom4([4]byte{127, 0, 1, byte(i)})}
		}
		parts := 0
		send := func(n int) {
			for range n {
				at := parts * part % addresses
				if _, err := senders[parts*part/addresses%sockets].SendBatch(context.Background(), batch[at:at+part]); err != nil {
					b.Fatal(err)
				}
				if parts++; parts > 2 { // the kernel's buffer has room for them
					<-done
				}
			}
		}
		send(sockets * addresses / part) // every peer is known
		b.ResetTimer()
		processorTime(b)
		send(b.N / part)
		b.StopTimer()
		for range 2 {
			<-done
		}
	}
	// counter tells when another part has been received.
	counter := func() (count func(), done chan struct{}) {
		var received atomic.Int64
		done = make(chan struct{}, 4)
		return func() {
			if received.Add(1)%part == 0 {
				done <- struct{}{}
			}
		}, done
	}
	b.Run("Messages", func(b *testing.B) {
		s := listen(b, "127.0.0.1:0")
		count, done := counter()
		var group sync.WaitGroup
		group.Go(func() {
			for range s.Messages() {
				count()
			}
		})
		run(b, s, done)
		s.Close()
		group.Wait()
	})
	for _, way := range []string{"Messages", "Receive"} {
		b.Run("Session."+way, func(b *testing.B) {
			m, s := mux(b)
			count, done := counter()
			var group sync.WaitGroup
			group.Go(func() {
				for c := range m.Sessions() {
					group.Go(func() {
						if way == "Messages" {
							for range c.Messages() {
								count()
							}
							return
						}
						for {
							if _, err := c.Receive(context.Background()); err != nil {
								return
							}
							count()
						}
					})
				}
			})
			run(b, s, done)
			s.Close()
			group.Wait()
		})
	}
}
