package udptest

import (
	"fmt"
	"iter"
	"net/netip"
	"time"

	"example.com/dgram/udp/udptest/internal/sim"
)

// An Outcome is what became of a datagram.
type Outcome uint8

// Where a datagram can end.
const (
	Delivered    = Outcome(sim.Delivered)    // in a socket's receive buffer
	Lost         = Outcome(sim.Lost)         // on a link: Loss
	LostInBurst  = Outcome(sim.LostInBurst)  // on a link: Burst
	QueueFull    = Outcome(sim.QueueFull)    // on a link: Rate
	LinkDown     = Outcome(sim.LinkDown)     // on a link: Outage
	Expired      = Outcome(sim.Expired)      // on a link: Lifetime
	Partitioned  = Outcome(sim.Partitioned)  // the hosts were cut off from each other
	BufferFull   = Outcome(sim.BufferFull)   // the socket's receive buffer was full: Stats.DroppedKernel
	Refused      = Outcome(sim.Refused)      // no socket of the host hears it; the sender is told
	Unheard      = Outcome(sim.Unheard)      // sent to a group or broadcast, and no socket of a host hears it
	Drained      = Outcome(sim.Drained)      // the socket drains and takes nothing in
	Martian      = Outcome(sim.Martian)      // from ::1 to another host, where Linux drops it
	TooLong      = Outcome(sim.TooLong)      // for a link behind a NAT, and not to be fragmented
	NoHost       = Outcome(sim.NoHost)       // no host has the address
	NoMapping    = Outcome(sim.NoMapping)    // the NAT has no mapping for the port
	Filtered     = Outcome(sim.Filtered)     // the NAT does not admit the sender
	HopsExceeded = Outcome(sim.HopsExceeded) // the hop limit did not suffice for a NAT
)

func (o Outcome) String() string { return sim.Outcome(o).String() }

// A Fate is the end of one datagram. A copy, by duplication or for another
// receiver of a group or broadcast, has a fate of its own.
type Fate struct {
	From, To  netip.AddrPort // as the sender's socket sent it
	Bytes     int            // of payload
	Number    uint64         // on its link: its number in the flow, from 1; 0 where there is no link
	Sent, At  time.Time      // when it was sent, and when it was delivered or lost
	Outcome   Outcome
	Link      string // "192.0.2.1 to 192.0.2.2": the hosts between which it was; "" on one host
	Duplicate bool   // a copy that Duplicate made
	Corrupt   bool   // Corrupt changed it
}

// String is one line.
func (f Fate) String() string {
	return fmt.Sprintf("%v to %v, %d bytes, number %d: %v after %v", f.From, f.To, f.Bytes, f.Number, f.Outcome, f.At.Sub(f.Sent))
}

// Fates yields what became of the datagrams that have ended, in that order: the
// last 65536 of them, or as many as [KeepFates] says.
func (n *Network) Fates() iter.Seq[Fate] {
	return func(yield func(Fate) bool) {
		for f := range n.net.Fates() {
			out := Fate{
				From: f.From, To: f.To, Bytes: f.Bytes, Number: f.Number, Sent: f.Sent, At: f.At,
				Outcome: Outcome(f.Outcome), Link: f.Link, Duplicate: f.Duplicate, Corrupt: f.Corrupt,
			}
			if !yield(out) {
				return
			}
		}
	}
}

// Totals account for every datagram since the network was made. Sent + Copied
// is the sum of Delivered, what Lost counts, and InFlight, at any time.
type Totals struct {
	Sent      uint64 // that a socket's host took
	Copied    uint64 // more, by duplication and for the further receivers of groups and broadcasts
	Delivered uint64
	InFlight  uint64             // not ended yet
	Lost      map[Outcome]uint64 // by what they were lost to; no zeros
}

// Totals returns the totals up to now.
func (n *Network) Totals() Totals {
	all := n.net.Totals()
	t := Totals{
		Sent: all.Sent, Copied: all.Copied, Delivered: all.Ended[sim.Delivered],
		InFlight: all.InFlight(), Lost: map[Outcome]uint64{},
	}
	for o, count := range all.Ended {
		if sim.Outcome(o) != sim.Delivered && count > 0 {
			t.Lost[Outcome(o)] = count
		}
	}
	return t
}
