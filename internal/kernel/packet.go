package kernel

import (
	"net/netip"
	"time"

	"example.com/dgram/internal/slab"
)

// A Packet is one received datagram, or one burst of datagrams that the kernel
// coalesced.
type Packet struct {
	Data          []byte         // valid until Deliver returns, unless taken with Batch.Take
	Segment       int            // size of each datagram in Data when it is a burst, else 0
	From          netip.AddrPort // the sender
	To            netip.Addr     // the address it was sent to, where known
	Interface     int            // index of the interface it came in on, 0 where unknown
	Time          time.Time      // the kernel's receive time, zero where unknown
	TOS           uint8          // IPv4 TOS or IPv6 traffic class, with ReceiveTOS
	TTL           uint8          // hop limit it arrived with, with ReceiveTTL
	NonUnicastDst bool           // To is a group's or a broadcast address
	Truncated     bool           // the kernel cut it off
}

// A Batch has the packets of one receive call.
type Batch struct {
	Packets []Packet
	Slab    *slab.Writer // where to copy payload to; shared by all sockets, so only until Deliver returns

	blocks []*slab.Block // the memory behind Packets[i].Data
}

// NewBatch returns a batch. The Data of packets[i] lies in blocks[i].
func NewBatch(packets []Packet, blocks []*slab.Block, copies *slab.Writer) Batch {
	return Batch{Packets: packets, Slab: copies, blocks: blocks}
}

// Take gives the memory behind Packets[i].Data away, so that no copy is needed:
// the block, and the first of the tags of its n messages.
func (b *Batch) Take(i, n int) (*slab.Block, uint32) {
	block := b.blocks[i]
	b.Packets[i].Data, b.blocks[i] = nil, nil
	return block, slab.Share(block, n)
}

// Took reports whether Take was called for packet i.
func (b *Batch) Took(i int) bool { return b.blocks[i] == nil }

// Datagrams returns how many datagrams a packet carries.
func (p *Packet) Datagrams() int {
	if p.Segment <= 0 || len(p.Data) <= p.Segment {
		return 1
	}
	return (len(p.Data) + p.Segment - 1) / p.Segment
}
