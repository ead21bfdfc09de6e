package udp

import (
	"net/netip"
	"sync"

	"example.com/dgram/internal/kernel"
)

// askedAddrs remembers which of the host's addresses each peer last sent to, so
// that the view answers a peer from the address that the peer asked. It holds at
// most maxAsked peers; a new peer takes the place of a random one.
type askedAddrs struct {
	// The reader alone uses these two, without mu. They spare it the lock while one
	// peer sends to one address.
	last netip.AddrPort // the peer of the last note
	at   asked          // the address that this peer sent to

	mu    sync.RWMutex
	peers map[netip.AddrPort]asked
}

// asked is a local address and, for a link-local one, its interface.
type asked struct {
	addr  netip.Addr
	index int
}

const maxAsked = 4096

// note records the address to which the sender of p sent it. A datagram that was
// sent to a group or to a broadcast address, or whose destination is unknown,
// makes the table forget the sender. The caller is the reader: one at a time.
func (t *askedAddrs) note(p *kernel.Packet) {
	var a asked
	if p.To.IsValid() && !p.NonUnicastDst {
		a.addr = p.To.WithZone("")
		if p.To.Is6() && p.To.IsLinkLocalUnicast() {
			a.index = p.Interface
		}
	}
	if p.From == t.last && a == t.at {
		return
	}
	t.last, t.at = p.From, a
	t.mu.Lock()
	defer t.mu.Unlock()
	if !a.addr.IsValid() {
		delete(t.peers, p.From)
		return
	}
	if t.peers == nil {
		t.peers = make(map[netip.AddrPort]asked)
	}
	if _, known := t.peers[p.From]; !known && len(t.peers) >= maxAsked {
		for other := range t.peers { // in random order
			delete(t.peers, other)
			break
		}
	}
	t.peers[p.From] = a
}

// of returns the address that peer last sent to; the zero value leaves the
// choice to the system.
func (t *askedAddrs) of(peer netip.AddrPort) asked {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.peers[peer]
}
