package netlink

import "net/netip"

// A RouteHeader is struct rtmsg, the fixed part of a message about a route.
type RouteHeader struct {
	Family    uint8
	DstLen    uint8 // of the prefix of destinations
	SrcLen    uint8
	TOS       uint8
	Table     uint8
	Protocol  uint8 // what made the route
	Scope     uint8
	RouteType uint8
	Flags     uint32
}

const routeHeaderSize = 12

// A NeighborHeader is struct ndmsg, the fixed part of a message about the Ethernet
// address of an IP address.
type NeighborHeader struct {
	Family uint8
	_      uint8
	_      uint16
	Index  int32
	State  uint16
	Flags  uint8
	Type   uint8
}

// A Route is where packets to a prefix go.
type Route struct {
	Family uint8
	Type   uint8        // RTN_UNICAST, RTN_LOCAL and so on
	To     netip.Prefix // invalid if the message has no destination
	Out    int          // index of an interface; 0 if there is none
}

// ParseRoute parses an RTM_NEWROUTE or RTM_DELROUTE message.
func ParseRoute(m Message) (Route, error) {
	all, err := m.Attributes(routeHeaderSize)
	if err != nil {
		return Route{}, err
	}
	route := Route{Family: m.Data[0], Type: m.Data[7]}
	for _, a := range all {
		switch a.Type {
		case routeTo:
			to, _ := netip.AddrFromSlice(a.Value)
			route.To = netip.PrefixFrom(to, int(m.Data[1]))
		case routeOut:
			if out, ok := a.uint32(); ok {
				route.Out = int(int32(out))
			}
		}
	}
	return route, nil
}
