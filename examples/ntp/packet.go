package main

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"time"
)

// A packet is what NTP sends, as far as SNTP looks at it.
type packet struct {
	leap        byte // 3: the server does not know the time
	version     byte
	mode        byte
	stratum     byte // servers between it and a clock; 0: it refuses, and reference says why
	reference   [4]byte
	originated  uint64 // transmitted, of the question
	received    uint64
	transmitted uint64
}

const (
	client     = 3 // modes
	server     = 4
	packetSize = 48
)

// question returns a client's packet. A server copies the transmit time into its
// answer and does not read it, so a random number there tells answers from
// forgeries.
func question() packet {
	var nonce [8]byte
	rand.Read(nonce[:])
	return packet{version: 4, mode: client, transmitted: binary.BigEndian.Uint64(nonce[:])}
}

// answer is the server's packet, but for the time at which it leaves.
func (q packet) answer(received time.Time) packet {
	return packet{
		version:    q.version,
		mode:       server,
		stratum:    1,
		reference:  [4]byte{'L', 'O', 'C', 'L'},
		originated: q.transmitted,
		received:   stamp(received),
	}
}

// answers tells whether a is the answer to q.
func (a packet) answers(q packet) bool {
	return a.mode == server && a.originated == q.transmitted
}

// A sample is what one exchange says about two clocks.
type sample struct {
	offset time.Duration // theirs minus ours
	delay  time.Duration // there and back, without the time in the server
}

// sample compares the clocks, given when the question left and when the answer
// came.
func (a packet) sample(sent, came time.Time) (sample, error) {
	switch {
	case a.stratum == 0:
		return sample{}, fmt.Errorf("the server refuses: %q", a.reference)
	case a.leap == 3 || a.stratum > 15 || a.transmitted == 0:
		return sample{}, fmt.Errorf("the server does not know the time")
	}
	received, transmitted := unstamp(a.received), unstamp(a.transmitted)
	return sample{
		offset: (received.Sub(sent) + transmitted.Sub(came)) / 2,
		delay:  came.Sub(sent) - transmitted.Sub(received),
	}, nil
}

func (p packet) encode() []byte {
	b := make([]byte, packetSize)
	b[0] = p.leap<<6 | p.version<<3 | p.mode
	b[1] = p.stratum
	b[3] = 0xec // precision: 2^-20 seconds
	copy(b[12:], p.reference[:])
	binary.BigEndian.PutUint64(b[16:], p.received) // when the clock was set
	binary.BigEndian.PutUint64(b[24:], p.originated)
	binary.BigEndian.PutUint64(b[32:], p.received)
	binary.BigEndian.PutUint64(b[40:], p.transmitted)
	return b
}

func decode(b []byte) (p packet, ok bool) {
	if len(b) < packetSize {
		return packet{}, false
	}
	p = packet{
		leap:        b[0] >> 6,
		version:     b[0] >> 3 & 7,
		mode:        b[0] & 7,
		stratum:     b[1],
		reference:   [4]byte(b[12:]),
		originated:  binary.BigEndian.Uint64(b[24:]),
		received:    binary.BigEndian.Uint64(b[32:]),
		transmitted: binary.BigEndian.Uint64(b[40:]),
	}
	return p, p.version >= 1 && p.version <= 4
}

// NTP counts seconds since 1900 and their fractions, 32 bits of each. In 2036
// the seconds begin again at 0: what looks like less than half is from then on.
const (
	era0 = -2208988800 // 1900, in Unix time
	era1 = era0 + 1<<32
)

func stamp(t time.Time) uint64 {
	seconds := uint64(t.Unix() - era0)
	fraction := (uint64(t.Nanosecond())<<32 + 5e8) / 1e9
	return seconds<<32 + fraction
}

func unstamp(s uint64) time.Time {
	era := int64(era0)
	if s>>63 == 0 {
		era = era1
	}
	nanos := (s&(1<<32-1)*1e9 + 1<<31) >> 32
	return time.Unix(int64(s>>32)+era, int64(nanos))
}
