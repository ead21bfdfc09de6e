package sim

import (
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"

	"example.com/dgram/internal/kernel"
)

// A Host is a machine on the network, and the system of its sockets.
type Host struct {
	n     *Network
	index int
	name  string

	interfaces []*Interface
	realms     [2]*realm          // of IPv4 and IPv6
	ports      map[uint16][]*Conn // the newest first
	ephemeral  uint16             // the last one that was given out
	identity   uint16             // of the last IPv4 packet
	icmp       map[netip.Addr]*bucket
}

// An Interface is a network interface of a host.
type Interface struct {
	host  *Host
	index int
	name  string
	addrs []netip.Prefix // unmasked; no zones
}

// Index and Name are as the host's sockets know the interface.
func (i *Interface) Index() int   { return i.index }
func (i *Interface) Name() string { return i.name }

// Loopback reports whether it is the host's lo.
func (i *Interface) Loopback() bool { return i.index == loopbackIndex }

const loopbackIndex = 1

var (
	loopback4 = netip.MustParsePrefix("127.0.0.1/8")
	loopback6 = netip.MustParsePrefix("::1/128")
)

// AddHost makes a host with a name and addresses.
func (n *Network) AddHost(name string, addrs ...Address) *Host {
	n.lock()
	defer n.unlock()
	n.topo++
	h := &Host{
		n:         n,
		index:     len(n.hosts),
		name:      name,
		realms:    [2]*realm{n.public, n.public},
		ports:     map[uint16][]*Conn{},
		ephemeral: firstEphemeral + uint16(len(n.hosts)*4099%(lastEphemeral-firstEphemeral)),
		icmp:      map[netip.Addr]*bucket{},
	}
	h.add("lo").addrs = []netip.Prefix{loopback4, loopback6}
	for _, a := range addrs {
		i := h.named(a.Interface)
		if i == nil {
			i = h.add(a.Interface)
		}
		i.addrs = append(i.addrs, a.Prefix)
		h.announce(i, a.Prefix.Addr())
	}
	n.hosts = append(n.hosts, h)
	return h
}

// announce makes an address reachable in the host's realm. Where two hosts have
// it, Conflict reports that.
func (h *Host) announce(i *Interface, a netip.Addr) {
	if r := h.realm(a); !a.IsLinkLocalUnicast() && r.addrs[a] == nil {
		r.addrs[a] = i
	}
}

// Conflict names an address of the host that another host of its realm has, and
// that host.
func (h *Host) Conflict() (netip.Addr, *Host) {
	h.n.lock()
	defer h.n.unlock()
	for _, i := range h.interfaces[1:] {
		for _, p := range i.addrs {
			a := p.Addr()
			if a.IsLinkLocalUnicast() {
				for _, o := range h.n.hosts {
					if j := o.owns(a); o != h && j != nil && i.neighbour(j) {
						return a, o
					}
				}
				continue
			}
			if owner := h.realm(a).addrs[a]; owner != nil && owner.host != h {
				return a, owner.host
			}
		}
	}
	return netip.Addr{}, nil
}

func (h *Host) add(name string) *Interface {
	i := &Interface{host: h, index: len(h.interfaces) + 1, name: name}
	h.interfaces = append(h.interfaces, i)
	return i
}

// Name is the host's name in fates and captures.
func (h *Host) Name() string { return h.name }

// Addrs are the host's addresses but those of loopback, in the order in which
// it was given them.
func (h *Host) Addrs() (all []netip.Addr) {
	for _, i := range h.interfaces[1:] {
		for _, p := range i.addrs {
			a := p.Addr()
			if a.IsLinkLocalUnicast() && a.Is6() {
				a = a.WithZone(i.name)
			}
			all = append(all, a)
		}
	}
	return all
}

func (h *Host) named(name string) *Interface {
	for _, i := range h.interfaces {
		if i.name == name {
			return i
		}
	}
	return nil
}

func (h *Host) numbered(index int) *Interface {
	if index < 1 || index > len(h.interfaces) {
		return nil
	}
	return h.interfaces[index-1]
}

// zone finds the interface that a zone names, by name or number.
func (h *Host) zone(zone string) *Interface {
	if n, err := strconv.ParseUint(zone, 10, 31); err == nil {
		return h.numbered(int(n))
	}
	return h.named(zone)
}

// zoneIndex returns the index of the interface that a zone names.
func (h *Host) zoneIndex(zone string) (int, error) {
	i := h.zone(zone)
	if i == nil {
		return 0, zoneError(zone)
	}
	return i.index, nil
}

// realm is where the host's packets of a's family are when they leave it.
func (h *Host) realm(a netip.Addr) *realm {
	if a.Is4() {
		return h.realms[0]
	}
	return h.realms[1]
}

// owns finds the interface that has an address.
func (h *Host) owns(a netip.Addr) *Interface {
	zone := a.Zone()
	a = a.WithZone("")
	if loopback4.Contains(a) && a != last(loopback4) {
		return h.interfaces[0]
	}
	for _, i := range h.interfaces {
		if zone != "" && h.zone(zone) != i {
			continue
		}
		for _, p := range i.addrs {
			if p.Addr() == a {
				return i
			}
		}
	}
	return nil
}

// neighbour reports whether two interfaces are on the same segment: broadcasts
// and groups reach from one to the other.
func (i *Interface) neighbour(j *Interface) bool {
	for _, p := range i.addrs {
		for _, q := range j.addrs {
			if p.Masked() == q.Masked() && i.host.realm(p.Addr()) == j.host.realm(p.Addr()) {
				return true
			}
		}
	}
	return false
}

// speaks reports whether the interface has an address of a's family.
func (i *Interface) speaks(a netip.Addr) bool {
	return slices.ContainsFunc(i.addrs, func(p netip.Prefix) bool { return p.Addr().Is4() == a.Is4() })
}

// outward is the interface for what no prefix says where to send: the first
// one that speaks the family. Only a host without others uses lo, for groups.
func (h *Host) outward(a netip.Addr) *Interface {
	for _, i := range h.interfaces[1:] {
		if i.speaks(a) {
			return i
		}
	}
	return nil
}

// IPv6 reports true: every host has ::1.
func (h *Host) IPv6() bool { return true }

// Adopt refuses every file: none is a socket of this host.
func (h *Host) Adopt(f *os.File, c kernel.Config) (kernel.Conn, kernel.Config, error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return nil, c, err
	}
	if raw.Control(func(uintptr) {}) != nil {
		return nil, c, net.ErrClosed // the only way in which Control fails
	}
	p, err := net.FilePacketConn(f)
	if err != nil {
		return nil, c, kernel.ErrNotUDP
	}
	defer p.Close()
	if _, udp := p.(*net.UDPConn); !udp {
		return nil, c, kernel.ErrNotUDP
	}
	return nil, c, undescribed("socket of a file")
}

var _ kernel.System = (*Host)(nil)
