package sim

import (
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// A NATKind is how a NAT maps inside addresses to outside ones and which senders it
// admits (RFC 3489, section 5; RFC 4787 has other names for the same).
type NATKind int

const (
	FullCone       NATKind = iota // one outside port for a socket; admits every sender
	RestrictedCone                // one outside port; admits hosts that were sent to
	PortRestricted                // one outside port; admits addresses and ports that were sent to
	Symmetric                     // one outside port for each destination; admits that destination
)

// A NAT hides hosts behind one address.
type NAT struct {
	n       *Network
	kind    NATKind
	idle    time.Duration // a mapping that is not used for so long ends; 0 for never
	outside netip.Addr
	inside  *realm
	outer   *realm // where the outside address is
	router  *Host  // has the outside address, and the ports without a mapping; mostly nil
	out     map[natKey]*mapping
	in      map[uint16]*mapping
}

type natKey struct {
	inside netip.AddrPort
	to     netip.AddrPort // zero but for a symmetric NAT
}

// A mapping ties an inside address to an outside port.
type mapping struct {
	key   natKey
	port  uint16
	used  time.Duration
	peers map[netip.AddrPort]time.Duration // destinations, with the time of the last send; without ports for RestrictedCone
}

// AddNAT moves hosts behind an outside address.
func (n *Network) AddNAT(outside netip.Addr, kind NATKind, idle time.Duration, hosts ...*Host) error {
	n.lock()
	defer n.unlock()
	t := &NAT{n: n, kind: kind, idle: idle, outside: outside, outer: n.public, out: map[natKey]*mapping{}, in: map[uint16]*mapping{}}
	t.inside = newRealm(t)
	if owner := t.outer.addrs[outside]; owner != nil {
		t.router = owner.host
	}
	if t.outer.nats[outside] != nil {
		return fmt.Errorf("outside %v is another NAT's", outside)
	}
	if len(hosts) == 0 {
		return errors.New("a NAT has at least one host inside")
	}
	family := 0
	if outside.Is6() {
		family = 1
	}
	for _, h := range hosts {
		if h == t.router {
			return fmt.Errorf("host %s is inside and has the outside address", h.name)
		}
		if h.realms[family] != n.public {
			return fmt.Errorf("host %s is behind a NAT already", h.name)
		}
		if h.outward(outside) == nil {
			return fmt.Errorf("host %s has no address of the family of outside %v", h.name, outside)
		}
	}
	n.topo++
	t.outer.nats[outside] = t
	for _, h := range hosts {
		h.realms[family] = t.inside
	}
	n.announceAll()
	return nil
}

// announceAll makes the realms' tables anew, in the order of the hosts.
func (n *Network) announceAll() {
	for _, h := range n.hosts {
		clear(h.realms[0].addrs)
		clear(h.realms[1].addrs)
	}
	clear(n.public.addrs)
	for _, h := range n.hosts {
		for _, i := range h.interfaces[1:] {
			for _, p := range i.addrs {
				h.announce(i, p.Addr())
			}
		}
	}
}

// outbound gives a packet its outside source.
func (t *NAT) outbound(now time.Duration, p *packet) bool {
	if p.ttl <= 1 {
		return false
	}
	p.ttl--
	key := natKey{inside: p.src}
	if t.kind == Symmetric {
		key.to = p.dst
	}
	m := t.out[key]
	if m == nil || t.expired(now, m) {
		if m = t.open(now, m, key); m == nil {
			return false
		}
	}
	m.used = now
	m.peers[t.peer(p.dst)] = now
	p.src = netip.AddrPortFrom(t.outside, m.port)
	return true
}

// inbound gives a packet its inside destination.
func (t *NAT) inbound(now time.Duration, p *packet) Outcome {
	m := t.in[p.dst.Port()]
	if m == nil || t.expired(now, m) {
		return NoMapping
	}
	if t.kind != FullCone {
		if at, sent := m.peers[t.peer(p.src)]; !sent || t.idle > 0 && now-at > t.idle {
			return Filtered
		}
		m.peers[t.peer(p.src)] = now
	}
	if p.ttl <= 1 {
		return HopsExceeded
	}
	p.ttl--
	m.used = now
	p.dst = m.key.inside
	return Delivered
}

// peer is what the NAT remembers of a destination.
func (t *NAT) peer(a netip.AddrPort) netip.AddrPort {
	if t.kind == RestrictedCone {
		return netip.AddrPortFrom(a.Addr(), 0)
	}
	return a
}

func (t *NAT) expired(now time.Duration, m *mapping) bool {
	return t.idle > 0 && now-m.used > t.idle
}

// open makes a mapping in place of one that has expired. A cone keeps the
// inside port where it is free, as most do; a symmetric NAT's ports say nothing.
func (t *NAT) open(now time.Duration, old *mapping, key natKey) *mapping {
	if old != nil {
		delete(t.in, old.port)
		delete(t.out, old.key)
	}
	m := &mapping{key: key, used: now, peers: map[netip.AddrPort]time.Duration{}}
	if port := key.inside.Port(); t.kind != Symmetric && t.free(now, port) {
		m.port = port
	} else if m.port = t.port(now, key); m.port == 0 {
		return nil
	}
	t.out[key], t.in[m.port] = m, m
	return m
}

// port finds a free one above the well-known ones, from a place that depends on
// the seed and the addresses. It is 0 where all are taken.
func (t *NAT) port(now time.Duration, key natKey) uint16 {
	const first, count = 1024, 65536 - 1024
	luck := chance(combine(t.n.seed, flowKey{key.inside, key.to}.hash()))
	at := luck.below(forPort, count)
	for i := range uint64(count) {
		if port := uint16(first + (at+i)%count); t.free(now, port) {
			return port
		}
	}
	return 0
}

// free reports whether a port is free, and frees one whose mapping has expired.
func (t *NAT) free(now time.Duration, port uint16) bool {
	m := t.in[port]
	if m != nil && t.expired(now, m) {
		delete(t.in, port)
		delete(t.out, m.key)
		m = nil
	}
	return m == nil && (t.router == nil || len(t.router.ports[port]) == 0)
}
