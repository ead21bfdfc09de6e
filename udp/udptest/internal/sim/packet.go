package sim

import (
	"net/netip"
	"time"

	"example.com/dgram/internal/posix"
)

// A packet is a datagram on its way, or an ICMP report about one.
type packet struct {
	src, dst netip.AddrPort // on the wire; a NAT rewrites them
	data     []byte         // shared by the copies, never changed
	tos, ttl uint8
	identity uint16 // of IPv4, for captures; 0 until it has one
	mtu      int    // of the link that it crossed, 0 for no limit
	df       bool   // may not be fragmented

	origin *Host      // the host that sent it
	out    *Interface // the interface that it left by
	host   *Host      // the host that it goes to next; nil for a destination that does not exist
	in     *Interface // the interface that it arrives on
	via    *NAT       // the NAT that it reaches first
	cast   cast

	from, to  netip.AddrPort // as the sender's socket sent it: for fates and reports
	number    uint64         // in its flow on the first link, from 1
	sent      time.Duration
	follows   bool // in a burst: what refuses it has said so already
	duplicate bool
	corrupt   bool

	report posix.Errno // of an ICMP report; 0 for a datagram
	about  *packet     // what an ICMP report is about
}

// cast is the kind of a packet's destination.
type cast uint8

const (
	unicast cast = iota
	broadcast
	multicast
)

// datagram reports whether p is no ICMP report.
func (p *packet) datagram() bool { return p.report == 0 }

// Sizes of headers.
const (
	udpHeader  = 8
	ipv4Header = 20
	ipv6Header = 40
)

// packetSize is the length of the IP packet that a payload of n bytes makes.
func packetSize(to netip.Addr, n int) int {
	if to.Is4() {
		return n + udpHeader + ipv4Header
	}
	return n + udpHeader + ipv6Header
}

// fragments is the number of IP packets in which a payload of n bytes crosses
// a link.
func fragments(to netip.Addr, n, mtu int) int {
	if mtu == 0 || packetSize(to, n) <= mtu {
		return 1
	}
	header := ipv4Header
	if !to.Is4() {
		header = ipv6Header + 8 // the fragment header
	}
	each := max((mtu-header)&^7, 8)
	return (n + udpHeader + each - 1) / each
}
