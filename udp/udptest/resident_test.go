package udptest_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"testing"
	"time"

	"example.com/dgram/udp"
	"example.com/dgram/udp/udptest"
)

// A resident is a socket on the network and what takes its datagrams.
type resident struct {
	s       *udp.Socket
	host    *udptest.Host
	kind    string
	cancel  context.CancelFunc // ends the socket
	number  uint32             // of the next datagram
	mu      sync.Mutex
	taken   uint64
	last    map[netip.AddrPort]uint32
	ordered bool
}

func newResident(t *testing.T, r *rand.Rand, h *udptest.Host, port uint16, ordered bool, takers *sync.WaitGroup) *resident {
	ctx, cancel := context.WithCancel(t.Context())
	x := &resident{host: h, cancel: cancel, last: map[netip.AddrPort]uint32{}, ordered: ordered}
	x.kind = pick(r, "channel", "channel", "loop", "receive", "batch", "try", "view", "nobody")
	opts := []udp.Option{
		udp.WithMessageBuffer(pick(r, 0, 1, 16)), udp.WithSendQueue(pick(r, 0, 4, 64)), udp.WithErrorBuffer(pick(r, 0, 4)),
		udp.WithOverflow(pick(r, udp.OverflowBlock, udp.OverflowBlock, udp.OverflowDropNewest, udp.OverflowDropOldest)),
		udp.WithReadBuffer(pick(r, 3000, 100000)),
	}
	if x.kind == "channel" && r.IntN(3) == 0 {
		opts = append(opts, udp.WithReaders(2))
		x.ordered = false // connecting moves senders from one reader to another
	}
	if r.IntN(3) == 0 {
		opts = append(opts, udp.WithICMPErrors())
	}
	if r.IntN(4) == 0 {
		opts = append(opts, udp.WithReceiveBlockList(netip.MustParsePrefix("192.0.2.3/32")))
	}
	s, err := h.Listen(ctx, "udp4", fmt.Sprintf(":%d", port), opts...)
	ok(t, err)
	x.s = s
	pace := r.IntN(3)
	takers.Go(func() { x.take(t, pace) })
	return x
}

// take takes datagrams in the resident's way until the socket ends.
func (x *resident) take(t *testing.T, pace int) {
	rest := func() { time.Sleep(time.Duration(pace) * time.Millisecond) }
	switch x.kind {
	case "channel":
		for m := range x.s.Messages() {
			x.took(t, m)
			rest()
		}
	case "loop":
		for m, err := range x.s.All(context.Background()) {
			if err == nil {
				x.took(t, m)
			}
			rest()
		}
	case "receive":
		for !x.ended() {
			if m, err := x.s.Receive(context.Background()); err == nil {
				x.took(t, m)
			} else {
				time.Sleep(time.Millisecond)
			}
		}
	case "batch":
		ms := make([]udp.Message, 3)
		for !x.ended() {
			got, err := x.s.ReceiveBatch(context.Background(), ms)
			for _, m := range ms[:got] {
				x.took(t, m)
			}
			if err != nil {
				time.Sleep(time.Millisecond)
			}
		}
	case "try":
		for !x.ended() {
			for m, there := x.s.TryReceive(); there; m, there = x.s.TryReceive() {
				x.took(t, m)
			}
			time.Sleep(5 * time.Millisecond)
		}
	case "view":
		b := make([]byte, 100)
		for view := x.s.PacketConn(); !x.ended(); {
			if got, from, err := view.ReadFromUDPAddrPort(b); err == nil {
				x.took(t, udp.Message{Data: b[:got], From: from})
			} else {
				time.Sleep(time.Millisecond)
			}
		}
	}
}

func (x *resident) ended() bool {
	select {
	case <-x.s.Done():
		return true
	default:
		return false
	}
}

// took checks that a flow keeps its order.
func (x *resident) took(t *testing.T, m udp.Message) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.taken++
	number := binary.BigEndian.Uint32(m.Data)
	if last, known := x.last[m.From]; x.ordered && known && number <= last {
		t.Errorf("%s: datagram %d from %v after %d", x.kind, number, m.From, last)
	}
	x.last[m.From] = number
	m.Release()
}

// next is the resident's next payload.
func (x *resident) next(r *rand.Rand) []byte {
	x.number++
	return append(binary.BigEndian.AppendUint32(nil, x.number), make([]byte, r.IntN(60))...)
}
