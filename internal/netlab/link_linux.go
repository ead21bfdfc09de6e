package netlab

import (
	"errors"
	"fmt"
	"net"

	"example.com/dgram/internal/netlink"
	"golang.org/x/sys/unix"
)

// Attribute types that package unix does not have.
const (
	vethInfoPeer = 1 // VETH_INFO_PEER
)

const create = unix.NLM_F_CREATE | unix.NLM_F_EXCL

// plug makes a pair of virtual Ethernet interfaces, both down.
func plug(x, y Port) error {
	what := fmt.Sprintf("connect %s to %s of %v", x.name, y.name, y.host)
	return x.host.on(what, func() (*netlink.Request, error) {
		r := netlink.NewRequest(unix.RTM_NEWLINK, create, netlink.LinkHeader{})
		r.String(unix.IFLA_IFNAME, x.name)
		r.Nest(unix.IFLA_LINKINFO, func() {
			r.String(unix.IFLA_INFO_KIND, "veth")
			r.Nest(unix.IFLA_INFO_DATA, func() {
				r.Nest(vethInfoPeer, func() {
					r.Fixed(netlink.LinkHeader{})
					r.String(unix.IFLA_IFNAME, y.name)
					r.Uint32(unix.IFLA_NET_NS_FD, uint32(y.host.ns.Fd()))
				})
			})
		})
		return r, nil
	})
}

// Delete deletes an interface, and the other end of its link with it.
func (h *Host) Delete(name string) error {
	return h.change("delete", name, func(link netlink.LinkHeader) *netlink.Request {
		return netlink.NewRequest(unix.RTM_DELLINK, 0, link)
	})
}

func (h *Host) deleteIndex(index int) error {
	return h.on(fmt.Sprintf("delete interface %d", index), func() (*netlink.Request, error) {
		return netlink.NewRequest(unix.RTM_DELLINK, 0, netlink.LinkHeader{Index: int32(index)}), nil
	})
}

// Up brings an interface up. It carries frames only once the other end is up as
// well, see [Host.Settle].
func (h *Host) Up(name string) error {
	return h.setFlags("bring up", name, unix.IFF_UP, unix.IFF_UP)
}

// Down brings an interface down. It loses its IPv6 addresses and the routes
// through it; IPv4 addresses and memberships stay.
func (h *Host) Down(name string) error {
	return h.setFlags("bring down", name, 0, unix.IFF_UP)
}

// SetMulticast sets whether an interface is capable of multicast, which package net
// shows as [net.FlagMulticast].
func (h *Host) SetMulticast(name string, on bool) error {
	if on {
		return h.setFlags("allow multicast on", name, unix.IFF_MULTICAST, unix.IFF_MULTICAST)
	}
	return h.setFlags("forbid multicast on", name, 0, unix.IFF_MULTICAST)
}

func (h *Host) setFlags(what, name string, flags, mask uint32) error {
	return h.change(what, name, func(link netlink.LinkHeader) *netlink.Request {
		link.Flags, link.Change = flags, mask
		return netlink.NewRequest(unix.RTM_NEWLINK, 0, link)
	})
}

// SetMTU sets the largest size of a packet on an interface. Below 1280 bytes the
// interface has no IPv6.
func (h *Host) SetMTU(name string, bytes int) error {
	return h.change(fmt.Sprintf("set MTU %d of", bytes), name, func(link netlink.LinkHeader) *netlink.Request {
		r := netlink.NewRequest(unix.RTM_NEWLINK, 0, link)
		r.Uint32(unix.IFLA_MTU, uint32(bytes))
		return r
	})
}

// Rename gives an interface another name and keeps its index.
func (h *Host) Rename(name, to string) error {
	return h.change("rename to "+to, name, func(link netlink.LinkHeader) *netlink.Request {
		r := netlink.NewRequest(unix.RTM_NEWLINK, 0, link)
		r.String(unix.IFLA_IFNAME, to)
		return r
	})
}

// AddBridge makes an Ethernet bridge without ports. It forwards from the start
// and sends multicast to every port.
func (h *Host) AddBridge(name string) error {
	return h.on("add bridge "+name, func() (*netlink.Request, error) {
		r := netlink.NewRequest(unix.RTM_NEWLINK, create, netlink.LinkHeader{})
		r.String(unix.IFLA_IFNAME, name)
		r.Nest(unix.IFLA_LINKINFO, func() {
			r.String(unix.IFLA_INFO_KIND, "bridge")
			r.Nest(unix.IFLA_INFO_DATA, func() {
				r.Bytes(unix.IFLA_BR_MCAST_SNOOPING, []byte{0})
			})
		})
		return r, nil
	})
}

// Attach makes an interface a port of a bridge.
func (h *Host) Attach(name, bridge string) error {
	return h.on("attach "+name+" to "+bridge, func() (*netlink.Request, error) {
		index, err := h.index(name)
		if err != nil {
			return nil, err
		}
		master, err := h.index(bridge)
		return setMaster(index, master), err
	})
}

// Detach takes an interface out of its bridge.
func (h *Host) Detach(name string) error {
	return h.change("detach", name, func(link netlink.LinkHeader) *netlink.Request {
		return setMaster(int(link.Index), 0)
	})
}

func setMaster(index, master int) *netlink.Request {
	r := netlink.NewRequest(unix.RTM_NEWLINK, 0, netlink.LinkHeader{Index: int32(index)})
	r.Uint32(unix.IFLA_MASTER, uint32(master))
	return r
}

// Index returns the index of an interface, which is the zone of its link-local
// addresses. An interface that is made again has another one.
func (h *Host) Index(name string) (int, error) {
	l, err := h.look(name)
	return l.Index, err
}

// MAC returns the Ethernet address of an interface.
func (h *Host) MAC(name string) (net.HardwareAddr, error) {
	l, err := h.look(name)
	return l.MAC, err
}

func (h *Host) look(name string) (netlink.Link, error) {
	l, err := h.link(name)
	if err != nil {
		return netlink.Link{}, fmt.Errorf("%s: look up %s: %w", h, name, err)
	}
	return l, nil
}

// change sends the request that build makes for an interface.
func (h *Host) change(what, name string, build func(netlink.LinkHeader) *netlink.Request) error {
	return h.on(what+" "+name, func() (*netlink.Request, error) {
		index, err := h.index(name)
		return build(netlink.LinkHeader{Index: int32(index)}), err
	})
}

// on sends the request that build makes. Its error names the host and the request.
func (h *Host) on(what string, build func() (*netlink.Request, error)) error {
	r, err := build()
	if err == nil {
		_, err = h.route.ask(r)
	}
	if err != nil {
		return fmt.Errorf("%s: %s: %w", h, what, err)
	}
	return nil
}

// gone reports whether err says that there is no such interface.
func gone(err error) bool { return errors.Is(err, unix.ENODEV) }
