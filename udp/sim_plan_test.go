package udp_test

import (
	"context"
	"math/rand/v2"
	"net/netip"

	"example.com/dgram/udp"
)

// A plan is what a seed settles at the start.
type plan struct {
	mode      mode
	readers   int
	overflow  udp.Overflow
	messages  int
	errors    int
	queue     int
	limit     int
	offload   *bool
	block     bool
	icmp      bool
	connected bool
	late      bool // made unbound, bound by what comes first
}

type mode int

const (
	byChannel mode = iota
	byLoop
	byView
)

// A kept message is one whose bytes nobody may touch.
type kept struct {
	m    udp.Message
	want []byte
}

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

func newPlan(r *rand.Rand) plan {
	off, on := false, true
	p := plan{
		mode:     pick(r, byChannel, byChannel, byLoop, byView),
		readers:  1,
		overflow: pick(r, udp.OverflowBlock, udp.OverflowBlock, udp.OverflowDropNewest, udp.OverflowDropOldest),
		messages: pick(r, 0, 1, 2, 16, 64),
		errors:   pick(r, 0, 1, 16),
		queue:    pick(r, 0, 1, 8, 64),
		limit:    pick(r, 65535, 65535, 100, 1),
		offload:  pick(r, nil, nil, &on, &off),
		block:    r.IntN(4) == 0,
		icmp:     r.IntN(4) == 0,
		late:     r.IntN(4) == 0,
	}
	if p.mode == byChannel {
		p.readers = pick(r, 1, 1, 1, 3)
	}
	p.connected = p.readers == 1 && r.IntN(4) == 0
	return p
}

var (
	friend  = netip.MustParseAddrPort("192.0.2.1:7")
	blocked = netip.MustParseAddrPort("198.51.100.1:7")
	simAddr = netip.MustParseAddr("192.0.2.99")
)

// peer is who sends to a socket: each has its own, so that a message tells
// which socket it came through.
func peer(index int) netip.AddrPort { return netip.AddrPortFrom(friend.Addr(), uint16(7+index)) }

func (p plan) options(ctx context.Context) []udp.Option {
	o := []udp.Option{
		udp.WithContext(ctx),
		udp.WithReaders(p.readers),
		udp.WithOverflow(p.overflow),
		udp.WithMessageBuffer(p.messages),
		udp.WithErrorBuffer(p.errors),
		udp.WithSendQueue(p.queue),
		udp.WithMaxDatagram(p.limit),
	}
	if p.offload != nil {
		o = append(o, udp.WithOffload(*p.offload))
	}
	if p.block {
		list := netip.PrefixFrom(blocked.Addr(), 24)
		o = append(o, udp.WithReceiveBlockList(list), udp.WithSendBlockList(list))
	}
	if p.icmp {
		o = append(o, udp.WithICMPErrors())
	}
	return o
}
