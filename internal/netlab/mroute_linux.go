package netlab

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"
)

// Socket options of linux/mroute.h and linux/mroute6.h, which agree on them.
const (
	mrtInit   = 200
	mrtAddVIF = 202
	mrtAddMFC = 204

	vifUseIndex = 0x8 // VIFF_USE_IFINDEX
)

// A vif is struct vifctl with an interface index.
type vif struct {
	Number    uint16
	Flags     uint8
	Threshold uint8
	RateLimit uint32
	Index     int32
	Remote    uint32
}

// A mif is struct mif6ctl.
type mif struct {
	Number    uint16
	Flags     uint8
	Threshold uint8
	Index     uint16
	_         uint16
	RateLimit uint32
}

// A flow is struct mfcctl.
type flow struct {
	Source, Group [4]byte
	In            uint16
	Threshold     [32]uint8 // per outgoing interface; 0 is never
	_             uint16
	_             [4]uint32 // counters and expiry
}

// A flow6 is struct mf6cctl.
type flow6 struct {
	Source, Group inet6
	In            uint16
	_             uint16
	Out           [8]uint32 // one bit per outgoing interface
}

// An inet6 is struct sockaddr_in6.
type inet6 struct {
	Family uint16
	_      uint16
	_      uint32
	IP     [16]byte
	_      uint32
}

// A MulticastRouter makes a host forward multicast packets along given flows, with
// one hop less on each. It ends when it is closed or when the test has ended.
type MulticastRouter struct {
	host  *Host
	files [2]*os.File    // raw IGMP and ICMPv6 sockets, the latter perhaps nil
	ports map[string]int // numbers of interfaces by name
}

// RouteMulticast makes h a multicast router between the named interfaces. The
// kernel allows one in each namespace.
func (h *Host) RouteMulticast(names ...string) (*MulticastRouter, error) {
	r := &MulticastRouter{host: h, ports: make(map[string]int)}
	if err := r.start(names); err != nil {
		r.Close()
		return nil, fmt.Errorf("%s: route multicast between %v: %w", h, names, err)
	}
	h.lab.t.Cleanup(r.Close)
	return r, nil
}

func (r *MulticastRouter) start(names []string) error {
	err := r.host.visit(func() (err error) {
		if r.files[0], err = rawSocket(unix.AF_INET, unix.IPPROTO_IGMP); err != nil {
			return err
		}
		if haveIPv6() == nil {
			r.files[1], err = rawSocket(unix.AF_INET6, unix.IPPROTO_ICMPV6)
		}
		return err
	})
	if err != nil {
		return err
	}
	if err := r.set(mrtInit, int32(1), int32(1)); err != nil {
		return err
	}
	for i, name := range names {
		index, err := r.host.index(name)
		if err != nil {
			return err
		}
		err = r.set(mrtAddVIF,
			vif{Number: uint16(i), Flags: vifUseIndex, Threshold: 1, Index: int32(index)},
			mif{Number: uint16(i), Threshold: 1, Index: uint16(index)})
		if err != nil {
			return err
		}
		r.ports[name] = i
	}
	return nil
}

// Forward makes packets from source to group that come in on one interface go
// out on others.
func (r *MulticastRouter) Forward(source, group, in string, out ...string) error {
	what := fmt.Sprintf("%s: forward %s from %s on %s to %v", r.host, group, source, in, out)
	from, err := netip.ParseAddr(source)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	to, err := netip.ParseAddr(group)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	for _, name := range append([]string{in}, out...) {
		if _, ok := r.ports[name]; !ok {
			return fmt.Errorf("%s: %s: %w", what, name, unix.ENODEV)
		}
	}
	if from.Is4() != to.Is4() {
		return fmt.Errorf("%s: %w", what, unix.EAFNOSUPPORT)
	}
	if from.Is4() {
		f := flow{Source: from.As4(), Group: to.As4(), In: uint16(r.ports[in])}
		for _, name := range out {
			f.Threshold[r.ports[name]] = 1
		}
		err = r.set(mrtAddMFC, f, nil)
	} else {
		f := flow6{
			Source: inet6{Family: unix.AF_INET6, IP: from.As16()},
			Group:  inet6{Family: unix.AF_INET6, IP: to.As16()},
			In:     uint16(r.ports[in]),
		}
		for _, name := range out {
			f.Out[0] |= 1 << r.ports[name]
		}
		err = r.set(mrtAddMFC, nil, f)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// Close ends the forwarding.
func (r *MulticastRouter) Close() {
	for _, f := range r.files {
		if f != nil {
			f.Close()
		}
	}
}

// set sets an option on the IPv4 and the IPv6 socket, to a struct each. A nil
// one is left out.
func (r *MulticastRouter) set(option int, v4, v6 any) error {
	for i, v := range []any{v4, v6} {
		if v == nil || r.files[i] == nil {
			continue
		}
		b, err := binary.Append(nil, binary.NativeEndian, v)
		if err != nil {
			return err
		}
		level := []int{unix.IPPROTO_IP, unix.IPPROTO_IPV6}[i]
		err = unix.SetsockoptString(int(r.files[i].Fd()), level, option, string(b))
		if err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
	}
	return nil
}

// rawSocket opens a raw socket in the namespace of the calling thread.
func rawSocket(domain, protocol int) (*os.File, error) {
	fd, err := unix.Socket(domain, unix.SOCK_RAW|unix.SOCK_CLOEXEC, protocol)
	if err != nil {
		return nil, os.NewSyscallError("open raw socket", err)
	}
	return os.NewFile(uintptr(fd), "raw"), nil
}
