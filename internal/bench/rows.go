package main

import (
	"fmt"
	"strings"
)

// groups is the table, method by method: which variants run against each other, which
// row of the table asks what about them, and its target. Rows 1 to 9, 12 and 13 are in
// rows_receive.go, 10 and 11 in rows_send.go, 14 to 17 in rows_memory.go, 18 to 20 in
// rows_session.go. Rows from 21 on have no target of their own day: they
// show that something did not get worse.
func (b *bench) groups() []group {
	all := b.receiveGroups()
	all = append(all, b.sendGroups()...)
	all = append(all, b.memoryGroups()...)
	return append(all, b.sessionGroups()...)
}

var sizes = []int{64, 1200}

// pick takes the target that belongs to a size.
func pick(size int, small, large float64) float64 {
	if size == 64 {
		return small
	}
	return large
}

// effort is a smaller effort for -quick.
func (b *bench) effort(whole, quick int) int {
	if b.opts.quick {
		return quick
	}
	return whole
}

func sized(what string, size int) string { return fmt.Sprintf("%s, %d B", what, size) }

// queue says how many datagrams a queue has: enough to drown the receiver's waking up, few
// enough that their memory in the kernel stays in the CPU's caches and in the receive buffer.
// A receiver that takes GSO bursts whole has its queue filled with more datagrams, as it
// would else be done at once; the others find them cut up, each in memory of its own.
func (b *bench) queue(size int, gso bool) func(variant string) int {
	return func(variant string) int {
		whole := gso && takesBursts(variant)
		n, memory := 8192, 768 // the kernel's, a datagram
		switch {
		case whole && size == 64:
			n, memory = 32768, 4352/segments
		case whole:
			n, memory = 8192, 65536/segments
		case size > 64:
			n, memory = 4096, 2304
		}
		room := 2 * max(b.room, -b.room) // the kernel doubles what it is asked for
		if fits := room / memory * 3 / 4; n > fits {
			n = fits / burst * burst
		}
		return n
	}
}

func takesBursts(variant string) bool {
	switch strings.TrimPrefix(variant, otherPrefix) {
	case "messages", "messages-keep", "messages-1024", "all", "receive", "receive-batch", "c-gro":
		return true
	}
	return false
}
