package udptest_test

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"example.com/dgram/internal/kernel"
)

// hear takes the errors of earlier datagrams off, each once: how many there are
// depends on bursts.
func (s *side) hear(socket int, c kernel.Conn) {
	for r, ok := c.NextRefusal(); ok; r, ok = c.NextRefusal() {
		e := outcome(r.Errno)[0]
		if r.To.IsValid() {
			e += " about " + s.name4(s.hosts[socket], r.To)
		}
		s.heard[socket] = append(s.heard[socket], e)
	}
	slices.Sort(s.heard[socket])
	s.heard[socket] = slices.Compact(s.heard[socket])
}

// receive takes what there is, datagrams and errors of earlier ones.
func (s *side) receive(socket int, c kernel.Conn, want []string) (got []string) {
	for deadline := time.Now().Add(2 * time.Second); ; {
		var sink taker
		err := c.TryReceive(&sink)
		for _, p := range sink.packets {
			got = append(got, s.describe(s.hosts[socket], p))
		}
		if err != nil && err != kernel.ErrPending {
			return append(got, outcome(err)...)
		}
		s.hear(socket, c)
		if err == nil && len(sink.packets) == 0 {
			if !s.real || len(got)+len(s.heard[socket]) >= len(want) || time.Now().After(deadline) {
				got = append(got, s.heard[socket]...)
				s.heard[socket] = nil
				return got
			}
			time.Sleep(20 * time.Microsecond)
		}
	}
}

func (s *side) describe(host int, p kernel.Packet) string {
	id := ""
	if len(p.Data) >= 8 {
		n := binary.BigEndian.Uint64(p.Data)
		id = fmt.Sprintf(" %d.%d", n>>32, n&0xffffffff)
	}
	in := "?"
	switch p.Interface {
	case 0:
	case 1:
		in = "lo"
	case s.index[host]:
		in = "eth0"
	}
	return fmt.Sprintf("%d bytes%s from %s to %v on %s, special %v, class %d, %d hops, truncated %v", len(p.Data), id, s.name4(host, p.From), p.To, in, p.NonUnicastDst, p.TOS, p.TTL, p.Truncated)
}

// name4 is an address with a name for the port.
func (s *side) name4(host int, a netip.AddrPort) string {
	at := -1
	if a.Addr().IsLoopback() || a.Addr().IsUnspecified() {
		at = host
	}
	for h := range 2 {
		for _, own := range []string{"own4", "own6", "ownlocal%eth0"} {
			if netip.MustParseAddr(resolve(own, h, s.local)).WithZone("") == a.Addr().WithZone("") {
				at = h
			}
		}
	}
	port := fmt.Sprint(a.Port())
	if a.Port() > 10000 {
		port = "chosen"
	}
	if name, ok := s.names[place{at, a.Port()}]; ok {
		port = name
	}
	return fmt.Sprintf("%v port %s", a.Addr(), port)
}

// A taker keeps what it is handed.
type taker struct{ packets []kernel.Packet }

func (k *taker) Room() int { return 16 }

func (k *taker) Deliver(b *kernel.Batch) {
	for _, p := range b.Packets {
		p.Data = append([]byte(nil), p.Data...)
		k.packets = append(k.packets, p)
	}
}

func (k *taker) Pending() bool { return false }
func (k *taker) Wait() bool    { return true }
func (k *taker) Idle() bool    { return false }
