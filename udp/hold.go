package udp

import (
	"runtime"
	"sync"
)

// A receiver that is faster than the kernel waits for the channel after every
// batch, and every batch wakes it, on another processor: that costs more than
// the batch itself. So a reader holds full batches back while the receiver has
// taken everything and there is more to read, and hands them over in one go.
//
// The first batch goes at once. What is held back after it may grow to 16, 64
// and 256 datagrams. It is handed over at the latest when a read brings less
// than it could, when there is nothing to read, and before the reader waits or
// ends. With one processor nothing is held back: there a receiver costs no wake.
const (
	firstHold = 1
	minHold   = 16
	maxHold   = 256 // one batch more may be held
	holdBytes = 512 << 10

	// A reader that asks for fewer packets holds nothing back: its channel is small,
	// or the packets are bursts.
	fewPackets = 8
)

// holding is what a reader holds back.
type holding struct {
	datagrams, bytes int
	limit            int // datagrams that are enough, 0 while nothing may be held back
}

func (h *holding) add(datagrams, bytes int) {
	h.datagrams += datagrams
	h.bytes += bytes
}

func (h *holding) enough() bool { return h.datagrams >= h.limit || h.bytes >= holdBytes }

// grow raises the limit for the next batches.
func (h *holding) grow() bool {
	switch h.limit {
	case 0:
		if runtime.GOMAXPROCS(0) == 1 {
			return false
		}
		h.limit = firstHold
	case firstHold:
		h.limit = minHold
	default:
		h.limit = min(4*h.limit, maxHold)
	}
	return true
}

// mayHold reports whether a batch of n packets is held back.
func (r *reader) mayHold(n int) bool {
	h := &r.held
	full := n >= r.asked && n >= fewPackets && len(r.out) == 0
	waits := len(r.pending) > 0 && h.datagrams == 0
	if !full || waits || r.out == nil || !r.alone || r.s.overflow() != OverflowBlock {
		h.limit = 0
		return false
	}
	if h.datagrams == 0 && !h.grow() {
		return false
	}
	if len(r.pending) == 0 && cap(r.pending) < len(heldBursts{}) {
		r.pending = heldBurstsPool.Get().(*heldBursts)[:0]
	}
	return true
}

// heldBursts is room for what a reader holds back at most.
type heldBursts [maxHold + maxPackets]burst

var heldBurstsPool = sync.Pool{New: func() any { return new(heldBursts) }}

// release ends the holding back: what is held is handed over as far as there is
// room, and pending from then on.
func (r *reader) release() {
	if r.held.datagrams == 0 {
		return
	}
	r.held.datagrams, r.held.bytes = 0, 0
	for i := range r.pending {
		u := &r.pending[i]
		if r.trySend(u); u.left > 0 {
			return
		}
	}
	r.pending = r.pending[:0]
}

// shrink gives back room for pending bursts that an idle socket need not keep.
func (r *reader) shrink() {
	if len(r.pending) > 0 || cap(r.pending) <= maxPackets {
		return
	}
	if cap(r.pending) == len(heldBursts{}) {
		heldBurstsPool.Put((*heldBursts)(r.pending[:len(heldBursts{})]))
	}
	r.pending = nil
}
