package udp_test

import (
	"context"
	"encoding/binary"
	"net/netip"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"example.com/dgram/internal/netlab"
	"example.com/dgram/udp"
)

// A flood takes no more memory than was configured, whoever does not receive.
func TestAFloodTakesNoMoreMemoryThanConfigured(t *testing.T) {
	for _, overflow := range []udp.Overflow{udp.OverflowBlock, udp.OverflowDropNewest, udp.OverflowDropOldest} {
		s := listen(t, "udp4", "127.0.0.1:0", udp.WithOverflow(overflow), udp.WithMessageBuffer(64))
		s.Messages()
		to := at(t, s)
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		flood(t, to, 10_000, func(uint64) {})
		runtime.GC()
		runtime.ReadMemStats(&after)
		// 64 messages and a batch, each in the worst case on memory of its own,
		// and what senders keep for the next.
		if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 64*(64<<10)+32*(64<<10)+4<<20 {
			t.Errorf("policy %d: %d bytes more than before", overflow, grown)
		}
		s.Close()
	}
}

// flood sends that many datagrams from each source, in bursts, and counts what
// the kernel took. It calls pace after each burst, with the sum so far.
func flood(t *testing.T, to netip.AddrPort, each int, pace func(sent uint64)) uint64 {
	t.Helper()
	var crowd sync.WaitGroup
	var sent atomic.Uint64
	for _, source := range sources {
		netlab.RequireAddress(t, netip.MustParseAddr(source))
	}
	for _, source := range sources {
		from, err := udp.Listen(t.Context(), "udp4", source+":0")
		if err != nil {
			t.Skipf("this system has not all of 127.0.0.0/8: %v", err)
		}
		crowd.Go(func() {
			defer from.Close()
			batch := make([]udp.Datagram, 64)
			for i := range batch {
				batch[i] = udp.Datagram{To: to, Data: make([]byte, 100)}
			}
			for number := uint64(0); number < uint64(each); {
				n := min(len(batch), each-int(number))
				for i := range batch[:n] {
					number++
					binary.BigEndian.PutUint64(batch[i].Data, number)
				}
				took, err := from.SendBatch(context.Background(), batch[:n])
				if err != nil {
					t.Error(err)
					break
				}
				pace(sent.Add(uint64(took)))
			}
		})
	}
	crowd.Wait()
	return sent.Load()
}

// counter is one of the kernel's for UDP over IPv4, 0 where there are none.
func counter(name string) uint64 {
	text, _ := os.ReadFile("/proc/net/snmp")
	var names []string
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if f[0] != "Udp:" {
			continue
		}
		for i := range min(len(f), len(names)) {
			if names[i] == name {
				n, _ := strconv.ParseUint(f[i], 10, 64)
				return n
			}
		}
		names = f
	}
	return 0
}
