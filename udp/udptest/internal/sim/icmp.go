package sim

import (
	"net/netip"
	"time"

	"example.com/dgram/internal/kernel"
	"example.com/dgram/internal/posix"
)

// A bucket limits how many ICMP errors a host sends to one peer, as Linux does
// (net.ipv4.icmp_ratelimit): six at once, then one in each interval.
type bucket struct {
	tokens time.Duration
	at     time.Duration
}

const reportBurst = 6

func (b *bucket) take(now, interval time.Duration) bool {
	b.tokens = min(b.tokens+now-b.at, reportBurst*interval)
	b.at = now
	if b.tokens < interval {
		return false
	}
	b.tokens -= interval
	return true
}

// refuse answers a datagram that no socket hears: port unreachable.
func (h *Host) refuse(p *packet) {
	n := h.n
	if p.follows {
		return
	}
	if !p.in.Loopback() && p.origin != h && !n.unlimited {
		interval := time.Second
		if p.src.Addr().Is6() {
			interval /= 4 // for a prefix of 64 bits
		}
		b := h.icmp[p.src.Addr()]
		if b == nil {
			b = &bucket{tokens: reportBurst * interval, at: n.now()}
			h.icmp[p.src.Addr()] = b
		}
		if !b.take(n.now(), interval) {
			return
		}
	}
	n.answer(h, p, posix.ECONNREFUSED)
}

// answer sends an ICMP report about a packet to the host that sent it, over the
// link back.
func (n *Network) answer(from *Host, about *packet, errno posix.Errno) {
	report := &packet{
		// Port 0 keeps reports apart from the flows of datagrams.
		src:    netip.AddrPortFrom(about.dst.Addr(), 0),
		dst:    netip.AddrPortFrom(about.src.Addr(), 0),
		origin: from, out: about.in, host: about.origin, in: about.out,
		from: about.from, to: about.to, ttl: 64,
		report: errno, about: about, sent: n.now(),
	}
	if about.origin == from {
		report.in = about.in
	}
	_ = n.cross(nil, report)
}

// hearReport gives a report to the socket that sent the datagram.
func (h *Host) hearReport(p *packet) { h.hear(p, p.report) }

// hear is what Linux' __udp4_lib_err does: the socket is the one that would
// have had an answer. Without IP_RECVERR only a connected one hears, and only
// of errors that are final.
func (h *Host) hear(p *packet, errno posix.Errno) {
	src, dst := unzoned(p.from), unzoned(p.to)
	in := p.in
	if p.datagram() {
		in = p.out
	}
	c := h.lookup(dst, src, in)
	if c == nil {
		return
	}
	if c.cfg.ICMPErrors {
		c.refusals = append(c.refusals, kernel.Refusal{To: p.to, Errno: errno})
	} else if !c.peer.IsValid() || errno != posix.ECONNREFUSED {
		return
	}
	c.pending = errno
	ring(c.wake)
}

// unreachable is the end of a packet for an address that no host of the segment
// has: the sender's own host reports it.
func (n *Network) unreachable(p *packet) {
	n.end(p, NoHost)
	p.origin.hear(p, posix.EHOSTUNREACH)
}

// LimitReports says whether hosts limit how many reports they send. They do at
// first.
func (n *Network) LimitReports(on bool) {
	n.lock()
	defer n.unlock()
	n.unlimited = !on
}
