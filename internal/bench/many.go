package main

import (
	"fmt"
	"net/netip"
	"runtime"
	"time"
)

// many is the role of a process with count sockets, each with a goroutine that waits for
// its datagrams. It says what they cost in heap and stack, and where they listen:
//
//	ready <heap bytes> <stack bytes> <port>...
func many(variant string, at netip.AddrPort, count, every int) error {
	open, ok := map[string]func(netip.AddrPort, func(int)) (netip.AddrPort, error){
		"net":      netMany,
		"messages": messagesMany,
	}[variant]
	if !ok {
		return fmt.Errorf("no variant %q", variant)
	}
	m := &sharedMeter{every: int64(every)}
	ports := make([]int64, count)

	heap, stack := alive()
	for i := range ports {
		local, err := open(at, m.add)
		if err != nil {
			return fmt.Errorf("socket %d: %w", i, err)
		}
		ports[i] = int64(local.Port())
	}
	time.Sleep(100 * time.Millisecond) // every goroutine has come to its wait
	heapNow, stackNow := alive()

	ready(append([]int64{heapNow - heap, stackNow - stack}, ports...)...)
	obey(func(string, int) {})
	return nil
}

// alive is what the garbage collector leaves, in bytes.
func alive() (heap, stack int64) {
	runtime.GC()
	runtime.GC() // the second one collects what the first one's finalizers and pools let go
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc), int64(stats.StackInuse)
}
