package sim

import (
	"iter"
	"net/netip"
	"time"
)

// An Outcome is what became of a datagram.
type Outcome uint8

const (
	Delivered    Outcome = iota // into a socket's receive buffer
	Lost                        // by chance, on a link
	LostInBurst                 // in a run, on a link
	QueueFull                   // the link's queue
	LinkDown                    // the link was down
	Expired                     // longer in queue and link than its lifetime
	Partitioned                 // the hosts were cut off from each other
	BufferFull                  // the socket's receive buffer
	Refused                     // no socket hears it: the port is unreachable
	Unheard                     // no socket hears a group's or a broadcast datagram
	Drained                     // the socket drains
	Martian                     // from ::1 to another host
	TooLong                     // for the link, and not to be fragmented
	NoHost                      // no host has the address
	NoMapping                   // the NAT has no mapping for the port
	Filtered                    // the NAT does not admit the sender
	HopsExceeded                // the hop limit was too low for a NAT
	Outcomes                    // how many there are
)

var outcomes = [Outcomes]string{
	Delivered: "delivered", Lost: "lost", LostInBurst: "lost in a burst", QueueFull: "queue full",
	LinkDown: "link down", Expired: "expired", Partitioned: "partitioned", BufferFull: "receive buffer full",
	Refused: "refused", Unheard: "unheard", Drained: "drained", Martian: "martian", TooLong: "too long", NoHost: "no such host", NoMapping: "no mapping",
	Filtered: "filtered", HopsExceeded: "hop limit exceeded",
}

func (o Outcome) String() string { return outcomes[o] }

// A Fate is the end of one datagram, or of one copy.
type Fate struct {
	From, To  netip.AddrPort
	Bytes     int
	Number    uint64 // in its flow on its first link, from 1; 0 where it crossed none
	Sent, At  time.Time
	Outcome   Outcome
	Link      string // "a to b", the hosts between which it was lost or delivered
	Duplicate bool
	Corrupt   bool
}

// Totals account for every datagram: Sent + Copied is the sum of Ended and of the
// datagrams in flight.
type Totals struct {
	Sent   uint64 // by sockets
	Copied uint64 // by duplication, and for groups and broadcasts with several receivers
	Ended  [Outcomes]uint64
}

// InFlight is the number of datagrams that have not ended.
func (t *Totals) InFlight() uint64 {
	n := t.Sent + t.Copied
	for _, ended := range t.Ended {
		n -= ended
	}
	return n
}

// A ledger keeps the last fates and counts all.
type ledger struct {
	keep   int
	fates  []Fate // a ring once it is full
	next   int    // of the ring: the oldest
	totals Totals
}

// end records what became of a packet.
func (n *Network) end(p *packet, o Outcome) {
	if !p.datagram() {
		return
	}
	b := &n.ledger
	b.totals.Ended[o]++
	if b.keep == 0 {
		return
	}
	f := Fate{
		From: p.from, To: p.to, Bytes: len(p.data), Number: p.number,
		Sent: n.start.Add(p.sent), At: n.start.Add(n.now()),
		Outcome: o, Duplicate: p.duplicate, Corrupt: p.corrupt,
	}
	if p.host != nil && p.origin != nil && p.host != p.origin {
		f.Link = n.name(p.origin, p.host)
	}
	if len(b.fates) < b.keep {
		b.fates = append(b.fates, f)
		return
	}
	b.fates[b.next] = f
	b.next = (b.next + 1) % b.keep
}

// name names the way between two hosts.
func (n *Network) name(from, to *Host) string {
	if l := n.links[direction{from, to}]; l != nil {
		return l.name
	}
	return from.name + " to " + to.name
}

// Fates yields the last fates, the oldest first. The network goes on meanwhile.
func (n *Network) Fates() iter.Seq[Fate] {
	return func(yield func(Fate) bool) {
		n.lock()
		b := &n.ledger
		fates := append(append([]Fate(nil), b.fates[b.next:]...), b.fates[:b.next]...)
		n.unlock()
		for _, f := range fates {
			if !yield(f) {
				return
			}
		}
	}
}

// Totals are those up to now.
func (n *Network) Totals() Totals {
	n.lock()
	defer n.unlock()
	return n.ledger.totals
}
