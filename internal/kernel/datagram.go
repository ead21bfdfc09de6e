package kernel

import (
	"net/netip"

	"example.com/dgram/internal/posix"
)

// A Datagram is one datagram to send: to To, or to the peer of a connected socket
// if To is zero. Its payload is Data followed by the parts in More.
type Datagram struct {
	Data      []byte
	More      [][]byte
	To        netip.AddrPort
	From      netip.Addr // source address, zero for the system's choice
	Interface int        // index of the outgoing interface, 0 for the system's choice; a negative one is syscall.EINVAL
	TOS       uint8      // type of service or traffic class, 0 for the socket's
	TTL       uint8      // hop limit, of group datagrams too; 0 for the socket's
	AnySource bool       // the caller sends it again without From if the system refuses From
}

// Len is the size of the payload in bytes.
func (d *Datagram) Len() int {
	n := len(d.Data)
	for _, p := range d.More {
		n += len(p)
	}
	return n
}

// SourceIndex returns the index of the interface to send through: index, or that of
// the zone of from if index is 0. find returns the index of a zone. A zone that it does
// not know is an error, also beside an index.
func SourceIndex(from netip.Addr, index int, find func(zone string) (int, error)) (int, error) {
	zone := from.Zone()
	if zone == "" {
		return index, nil
	}
	zoned, err := find(zone)
	if err != nil || index != 0 {
		return index, err
	}
	return zoned, nil
}

// A Refusal is an error about a datagram that was sent earlier.
type Refusal struct {
	To    netip.AddrPort // where it was sent, zero where the system does not say
	Errno posix.Errno
}
