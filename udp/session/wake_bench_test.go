package session_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"example.com/dgram/udp"
)

// What a datagram costs that wakes the goroutine of its session.
func BenchmarkWaitingReader(b *testing.B) {
	for _, n := range []int{100, 10_000} {
		b.Run(fmt.Sprintf("sessions=%d", n), func(b *testing.B) {
			m, batch, all := filled(b, n)
			var group sync.WaitGroup
			var got atomic.Int64
			done := make(chan struct{}, 4)
			for _, c := range all {
				group.Go(func() {
					for range c.Messages() {
						if got.Add(1)%50 == 0 {
							done <- struct{}{}
						}
					}
				})
			}
			for range n / 50 {
				<-done
			}
			b.ReportAllocs()
			b.ResetTimer()
			processorTime(b)
			for i := 0; i+50 <= b.N; i += 50 {
				m.Deliver(batch[i%n : i%n+50])
				<-done
			}
			b.StopTimer()
			m.Close()
			group.Wait()
		})
		b.Run(fmt.Sprintf("channels=%d", n), func(b *testing.B) {
			var group sync.WaitGroup
			var got atomic.Int64
			done := make(chan struct{}, 4)
			var all []chan udp.Message
			for range n {
				c := make(chan udp.Message, 16)
				all = append(all, c)
				group.Go(func() {
					for range c {
						if got.Add(1)%50 == 0 {
							done <- struct{}{}
						}
					}
				})
			}
			b.ResetTimer()
			processorTime(b)
			for i := 0; i+50 <= b.N; i += 50 {
				for j := range 50 {
					all[i%n+j] <- udp.Message{}
				}
				<-done
			}
			b.StopTimer()
			for _, c := range all {
				close(c)
			}
			group.Wait()
		})
	}
}
