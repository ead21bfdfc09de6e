package netlink

import (
	"encoding/binary"
	"net/netip"
)

// An AddressHeader is struct ifaddrmsg, the fixed part of a message about an IP
// address of an interface.
type AddressHeader struct {
	Family    uint8
	PrefixLen uint8
	Flags     uint8
	Scope     uint8
	Index     uint32
}

const addressHeaderSize = 8

// An Address is an IP address of the interface with an index.
type Address struct {
	Family uint8
	Index  int
	Flags  uint32
	IP     netip.Addr // invalid if the message has none
}

// ParseAddress parses an RTM_NEWADDR or RTM_DELADDR message.
func ParseAddress(m Message) (Address, error) {
	all, err := m.Attributes(addressHeaderSize)
	if err != nil {
		return Address{}, err
	}
	address := Address{
		Family: m.Data[0],
		Index:  int(binary.NativeEndian.Uint32(m.Data[4:])),
		Flags:  uint32(m.Data[2]),
	}
	for _, a := range all {
		switch a.Type {
		case addressIP:
			address.IP, _ = netip.AddrFromSlice(a.Value)
		case addressFlags: // all of them, where the header has eight
			if flags, ok := a.uint32(); ok {
				address.Flags = flags
			}
		}
	}
	return address, nil
}
