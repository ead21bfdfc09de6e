package udp_test

import (
	"flag"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var soak = flag.Duration("soak", 500*time.Millisecond, "how `long` TestSoak goes on")

// Swarms of many sockets live at the same time. Nothing hangs, nothing leaks, nothing
// grows.
//
//	go test ./udp -run Soak -soak=10m -timeout 15m
func TestSoak(t *testing.T) {
	leakless(t)
	const crowd = 16
	var bath sync.WaitGroup
	var swarms atomic.Int64
	busy := make([]atomic.Int64, crowd) // when each made its last call, 0 between swarms
	stop := make(chan struct{})
	for g := range crowd {
		bath.Go(func() {
			for seed := uint64(time.Now().UnixNano()); ; seed++ {
				select {
				case <-stop:
					return
				default:
				}
				progress := func() { busy[g].Store(time.Now().UnixNano()) }
				progress()
				swarm(t, seed<<8|uint64(g), progress)
				busy[g].Store(0)
				swarms.Add(1)
			}
		})
	}
	watch(t, busy)
	close(stop)
	door(t, "the last swarms", bath.Wait)
	t.Logf("%d swarms", swarms.Load())
}

// watch looks on for the time of the soak.
func watch(t *testing.T, busy []atomic.Int64) {
	end := time.After(*soak)
	look := time.NewTicker(max(*soak/20, 100*time.Millisecond))
	defer look.Stop()
	var heap []uint64
	for {
		select {
		case <-end:
			// Half of the time is to get warm in.
			if n := len(heap); n >= 20 && heap[n-1] > 2*heap[n/2]+32<<20 {
				t.Errorf("the heap grows: %v", heap)
			}
			return
		case <-look.C:
		}
		var memory runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&memory)
		heap = append(heap, memory.HeapAlloc)
		if n := runtime.NumGoroutine(); n > 2000 {
			stacks(t)
			t.Fatalf("%d goroutines", n)
		}
		if n := len(descriptors()); n > 500 {
			t.Fatalf("%d descriptors", n)
		}
		for g := range busy {
			if began := busy[g].Load(); began != 0 && time.Since(time.Unix(0, began)) > soon {
				stacks(t)
				t.Fatalf("swarm %d hangs", g)
			}
		}
	}
}
