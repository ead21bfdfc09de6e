package netlab

import (
	"errors"
	"fmt"
	"net/netip"
	"os"

	"example.com/dgram/internal/netlink"
	"golang.org/x/sys/unix"
)

// AddRoute sends packets for a prefix to a gateway, which must be on a network
// of one of the interfaces. The default routes are "0.0.0.0/0" and "::/0".
func (h *Host) AddRoute(prefix, gateway string) error {
	return h.addRoute("route to "+prefix+" via "+gateway, prefix, unix.RTN_UNICAST, func(r *netlink.Request) error {
		via, err := netip.ParseAddr(gateway)
		r.Bytes(unix.RTA_GATEWAY, via.AsSlice())
		return err
	})
}

// AddDeviceRoute sends packets for a prefix out of an interface, without a
// gateway. For multicast prefixes, "224.0.0.0/4" and "ff00::/8", that makes the
// interface the one that is chosen when a socket names none.
func (h *Host) AddDeviceRoute(prefix, name string) error {
	return h.addRoute("route to "+prefix+" through "+name, prefix, unix.RTN_UNICAST, func(r *netlink.Request) error {
		index, err := h.index(name)
		r.Uint32(unix.RTA_OIF, uint32(index))
		return err
	})
}

// AddRefusal makes packets for a prefix fail.
func (h *Host) AddRefusal(prefix string, how Refusal) error {
	kind := map[Refusal]uint8{
		Unreachable: unix.RTN_UNREACHABLE,
		Prohibit:    unix.RTN_PROHIBIT,
		Blackhole:   unix.RTN_BLACKHOLE,
	}[how]
	return h.addRoute(how.String()+" route to "+prefix, prefix, kind, nil)
}

// RemoveRoute removes a route to exactly that prefix, of any kind.
func (h *Host) RemoveRoute(prefix string) error {
	return h.setRoute("remove route to "+prefix, prefix, unix.RTM_DELROUTE, 0,
		netlink.RouteHeader{Scope: unix.RT_SCOPE_NOWHERE}, nil)
}

func (h *Host) addRoute(what, prefix string, kind uint8, more func(*netlink.Request) error) error {
	return h.setRoute("add "+what, prefix, unix.RTM_NEWROUTE, create,
		netlink.RouteHeader{Protocol: unix.RTPROT_STATIC, RouteType: kind}, more)
}

// setRoute sends a request about a route. more, unless nil, adds where the route
// leads.
func (h *Host) setRoute(what, prefix string, kind, flags uint16, route netlink.RouteHeader, more func(*netlink.Request) error) error {
	return h.on(what, func() (*netlink.Request, error) {
		to, err := netip.ParsePrefix(prefix)
		if err != nil {
			return nil, err
		}
		route.Family = family(to.Addr())
		route.DstLen = uint8(to.Bits())
		route.Table = unix.RT_TABLE_MAIN
		r := netlink.NewRequest(kind, flags, route)
		r.Bytes(unix.RTA_DST, to.Masked().Addr().AsSlice())
		if to.Addr().Is6() && to.Addr().IsMulticast() {
			// The kernel puts a route to ff00::/8 through every interface
			// into the local table, which comes first. This one is better.
			const better = 1
			r.Uint32(unix.RTA_TABLE, unix.RT_TABLE_LOCAL)
			r.Uint32(unix.RTA_PRIORITY, better)
		}
		if more != nil {
			err = more(r)
		}
		return r, err
	})
}

// AddNeighbor sets the Ethernet address of an IP address on the network of an
// interface, which the kernel then does not look up. Packets for an address that no
// host has are then lost, and their sends succeed.
func (h *Host) AddNeighbor(name, ip string, mac []byte) error {
	return h.on(fmt.Sprintf("add neighbor %s at %x to %s", ip, mac, name), func() (*netlink.Request, error) {
		at, err := netip.ParseAddr(ip)
		if err != nil {
			return nil, err
		}
		index, err := h.index(name)
		r := netlink.NewRequest(unix.RTM_NEWNEIGH, create, netlink.NeighborHeader{
			Family: family(at),
			Index:  int32(index),
			State:  unix.NUD_PERMANENT,
		})
		r.Bytes(unix.NDA_DST, at.AsSlice())
		r.Bytes(unix.NDA_LLADDR, mac)
		return r, err
	})
}

// Forward makes h a router: it forwards packets between its interfaces.
func (h *Host) Forward() error {
	err := h.SetSysctl("net.ipv6.conf.all.forwarding", "1")
	if errors.Is(err, os.ErrNotExist) {
		err = nil // no IPv6
	}
	return errors.Join(h.SetSysctl("net.ipv4.ip_forward", "1"), err)
}
