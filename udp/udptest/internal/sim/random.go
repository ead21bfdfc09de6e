package sim

import (
	"encoding/binary"
	"hash/fnv"
	"net/netip"
)

// A chance is the source of one datagram's random numbers: a function of the
// network's seed, the link, the flow and the datagram's number in the flow.
type chance uint64

// Each impairment has a number of its own, so that one option does not change
// what another does.
type purpose uint64

const (
	forLoss purpose = iota + 1
	forBurst
	forJitter
	forReorder
	forDuplicate
	forDuplicateJitter
	forCorrupt
	forCorruptPlace
	forPort
)

// roll is a number in [0, 1).
func (c chance) roll(p purpose) float64 { return float64(c.bits(p)>>11) / (1 << 53) }

// below is a number in [0, n).
func (c chance) below(p purpose, n uint64) uint64 { return c.bits(p) % n }

func (c chance) bits(p purpose) uint64 { return mix(uint64(c) + uint64(p)*0x9e3779b97f4a7c15) }

// mix is the finalizer of splitmix64.
func mix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}

// combine makes one number of several, in order.
func combine(xs ...uint64) uint64 {
	h := uint64(len(xs))
	for _, x := range xs {
		h = mix(h ^ mix(x+0x9e3779b97f4a7c15))
	}
	return h
}

// A flowKey is a pair of addresses on a link.
type flowKey struct{ src, dst netip.AddrPort }

// hash does not depend on the process, unlike a map's.
func (k flowKey) hash() uint64 {
	h := fnv.New64a()
	for _, a := range [...]netip.AddrPort{k.src, k.dst} {
		b := a.Addr().As16()
		h.Write(b[:])
		h.Write([]byte(a.Addr().Zone()))
		h.Write(binary.BigEndian.AppendUint16(nil, a.Port()))
	}
	return h.Sum64()
}
