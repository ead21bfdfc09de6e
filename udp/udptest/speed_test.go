package udptest_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"example.com/dgram/udp"
	"example.com/dgram/udp/udptest"
)

// A million datagrams through a lossy link, at 100 000 a second.
func BenchmarkLossyMillion(b *testing.B) {
	for b.Loop() {
		bubbleB(b, func(t *testing.T) { lossy(t, 1_000_000) })
	}
}

// A minute of 1000 hosts, each of which asks the next one each second.
func BenchmarkMinuteOf1000(b *testing.B) {
	for b.Loop() {
		bubbleB(b, func(t *testing.T) { minute(t, 1000) })
	}
}

// bubbleB runs f in a bubble, which a benchmark cannot have.
func bubbleB(b *testing.B, f func(t *testing.T)) {
	failed := !testing.RunTests(func(string, string) (bool, error) { return true, nil },
		[]testing.InternalTest{{Name: b.Name(), F: func(t *testing.T) { synctest.Test(t, f) }}})
	if failed {
		b.Fail()
	}
}

func lossy(t *testing.T, count int) {
	n, a, b := two(t, []udptest.LinkOption{udptest.Latency(20 * time.Millisecond), udptest.Jitter(5 * time.Millisecond), udptest.Loss(0.1)})
	to := at(t, b)
	received := 0
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range b.Messages() {
			received++
		}
	}()
	payload := make([]byte, 100)
	for i := range count {
		binary.BigEndian.PutUint64(payload, uint64(i))
		ok(t, a.SendTo(context.Background(), to, payload))
		time.Sleep(10 * time.Microsecond)
	}
	time.Sleep(time.Second)
	b.Close()
	<-done
	all := conserved(t, n)
	same(t, "received", uint64(received), all.Delivered)
	if lost := float64(all.Lost[udptest.Lost]) / float64(count); lost < 0.08 || lost > 0.12 {
		t.Errorf("%v of %d lost", lost, count)
	}
}

func minute(t *testing.T, hosts int) {
	n := udptest.NewNetwork(t)
	sockets := make([]*udp.Socket, hosts)
	all := make([]*udptest.Host, hosts)
	for i := range sockets {
		all[i] = n.Host()
		sockets[i] = listen(t, all[i])
		if i > 0 {
			n.Link(all[i-1], all[i], udptest.Latency(time.Duration(10+i%90)*time.Millisecond), udptest.Loss(0.01))
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var talk sync.WaitGroup
	for i, s := range sockets {
		next := at(t, sockets[(i+1)%hosts])
		talk.Go(func() {
			for m, err := range s.All(ctx) {
				if err == nil && m.Data[0] == '?' {
					_ = s.Reply(ctx, m, []byte("!"))
				}
			}
		})
		talk.Go(func() {
			tick := time.NewTicker(time.Second)
			defer tick.Stop()
			for {
				select {
				case <-tick.C:
					_ = s.SendTo(ctx, next, fmt.Append(nil, "?", i))
				case <-ctx.Done():
					return
				}
			}
		})
	}
	talk.Wait()
	total := conserved(t, n)
	if total.Delivered < uint64(hosts)*110 {
		t.Errorf("%+v", total)
	}
}

// The figures of the benchmarks are for machines of any speed; that the
// network serves them at all is tested here.
func TestCrowdsAndFloods(t *testing.T) {
	bubble(t, func(t *testing.T) { lossy(t, 10_000) })
	bubble(t, func(t *testing.T) { minute(t, 50) })
}
