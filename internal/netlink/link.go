package netlink

import (
	"encoding/binary"
	"fmt"
)

// A LinkHeader is struct ifinfomsg, the fixed part of a message about an
// interface.
type LinkHeader struct {
	Family uint8
	_      uint8
	Type   uint16
	Index  int32
	Flags  uint32
	Change uint32 // the flags to change
}

const linkHeaderSize = 16

// A Link is the state of an interface.
type Link struct {
	Family    uint8 // AF_UNSPEC; another if a message is about the interface's part in a protocol
	Index     int
	Flags     uint32
	Name      string
	MAC       []byte
	Qdisc     string // queueing discipline
	OperState byte   // operational state, see RFC 2863
	Info      []byte // IFLA_LINKINFO
}

// ParseLink parses an RTM_NEWLINK or RTM_DELLINK message. An error comes with what
// was parsed before it.
func ParseLink(m Message) (Link, error) {
	if len(m.Data) < linkHeaderSize {
		return Link{}, errShort
	}
	l := Link{
		Family: m.Data[0],
		Index:  int(int32(binary.NativeEndian.Uint32(m.Data[4:]))),
		Flags:  binary.NativeEndian.Uint32(m.Data[8:]),
	}
	all, err := m.Attributes(linkHeaderSize)
	for _, a := range all {
		switch a.Type {
		case linkAddress:
			l.MAC = a.Value
		case linkName:
			l.Name = a.String()
		case linkQdisc:
			l.Qdisc = a.String()
		case linkOperState:
			l.OperState = a.uint8()
		case linkInfo:
			l.Info = a.Value
		}
	}
	return l, err
}

// Forwards reports whether an interface that is a port of a bridge is in the
// forwarding state. Every other interface forwards.
func (l Link) Forwards() (bool, error) {
	all, err := ParseAttributes(l.Info)
	if err != nil {
		return false, err
	}
	var kind string
	var data []byte
	for _, a := range all {
		switch a.Type {
		case infoPortKind:
			kind = a.String()
		case infoPortData:
			data = a.Value
		}
	}
	if kind != "bridge" {
		return true, nil
	}
	port, err := ParseAttributes(data)
	if err != nil {
		return false, err
	}
	for _, a := range port {
		if a.Type == bridgePort && len(a.Value) > 0 {
			return a.uint8() == portForwarding, nil
		}
	}
	return false, fmt.Errorf("bridge port without state: %w", errShort)
}
