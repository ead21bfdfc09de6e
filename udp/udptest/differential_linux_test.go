//go:build linux && !dgram_portable

package udptest_test

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"example.com/dgram/internal/kernel"
	"example.com/dgram/internal/kernel/linux"
	"example.com/dgram/internal/netlab"
	"example.com/dgram/udp/udptest/internal/sim"
)

// Random programs of calls run on two Linux hosts and on two simulated ones,
// and see the same datagrams, errors and counters.
//
//	go test ./udp/udptest -run Differential -seeds 10000
//	go test ./udp/udptest -run Differential -seed 4711 -v
func TestDifferential(t *testing.T) {
	if strconv.IntSize == 32 {
		t.Skip("programs of 32 bits are not compared yet")
	}
	lab := newLab(t)
	if *oneSeed != 0 {
		lab.differ(t, *oneSeed)
		return
	}
	failed := 0
	for seed := uint64(1); seed <= uint64(*seeds) && failed < 3; seed++ {
		if !lab.differ(t, seed) {
			failed++
		}
	}
}

// A lab is two Linux hosts with a link between them.
type lab struct {
	hosts [2]*netlab.Host
	local [2]netip.Addr // their link-local addresses
	index [2]int        // of eth0
}

func newLab(t *testing.T) *lab {
	l := netlab.New(t)
	b := &lab{hosts: [2]*netlab.Host{l.Host("a"), l.Host("b")}}
	l.Link(b.hosts[0].Port("eth0", "10.0.0.1/24", "fd00::1/64"), b.hosts[1].Port("eth0", "10.0.0.2/24", "fd00::2/64"))
	for i, h := range b.hosts {
		l.Must(h.AddDeviceRoute("0.0.0.0/0", "eth0"))
		l.Must(h.SetSysctl("net.ipv4.icmp_ratelimit", "0"), h.SetSysctl("net.ipv6.icmp.ratelimit", "0"))
		l.Must(h.SetSysctl("net.ipv4.ip_local_port_range", fmt.Sprintf("%d %d", 20000+20000*i, 30000+20000*i)))
		ip, err := h.LinkLocal("eth0")
		l.Must(err)
		b.local[i] = ip.WithZone("")
		b.index[i], err = h.Index("eth0")
		l.Must(err)
	}
	return b
}

// real is the Linux side of a program.
func (b *lab) real() *side {
	return &side{
		name:  "Linux",
		real:  true,
		local: b.local,
		index: b.index,
		open: func(host int, cfg kernel.Config) (c kernel.Conn, err error) {
			_ = b.hosts[host].Do(func() error {
				c, err = linux.System{}.Open(cfg)
				return nil
			})
			return c, err
		},
		groups: func(c kernel.Conn) kernel.Groups { return linuxGroups{c: c} },
	}
}

// simulated is the other.
func (b *lab) simulated(t *testing.T) *side {
	n := sim.New(1, 0)
	n.LimitReports(false)
	var hosts [2]*sim.Host
	for i := range hosts {
		host := string(rune('1' + i))
		var as []sim.Address
		for _, text := range []string{"10.0.0." + host + "/24", "fd00::" + host + "/64", b.local[i].String() + "/64"} {
			a, err := sim.ParseAddress(text)
			if err != nil {
				t.Fatal(err)
			}
			as = append(as, a)
		}
		hosts[i] = n.AddHost(host, as...)
	}
	n.SetLink(hosts[0], hosts[1], sim.Link{MTU: 1500})
	n.SetLink(hosts[1], hosts[0], sim.Link{MTU: 1500})
	return &side{
		name:   "simulation",
		local:  b.local,
		index:  [2]int{2, 2},
		open:   func(host int, cfg kernel.Config) (kernel.Conn, error) { return hosts[host].Open(cfg) },
		groups: func(c kernel.Conn) kernel.Groups { return c.(kernel.GroupConn).Groups() },
	}
}

// differ runs the program of a seed on both sides and reports whether they
// agree.
func (b *lab) differ(t *testing.T, seed uint64) bool {
	t.Helper()
	p := newProgram(seed)
	sides := [2]*side{b.simulated(t), b.real()}
	defer sides[0].close()
	defer sides[1].close()
	var log [sockets]strings.Builder // of each socket
	for i, s := range p {
		want := sides[0].run(i, s, nil)
		got := sides[1].run(i, s, want)
		fmt.Fprintf(&log[s.socket], "%3d %v\n\t%s\n", i, s, strings.Join(got, "\n\t"))
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("seed %d, step %d: %v\nLinux:\n\t%s\nsimulation:\n\t%s", seed, i, s, strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
			for k := range log {
				if k == s.socket || testing.Verbose() {
					t.Logf("socket %d:\n%s", k, &log[k])
				}
			}
			return false
		}
	}
	return true
}

// linuxGroups are the group options of a descriptor, as far as a program uses
// them.
type linuxGroups struct {
	kernel.Groups
	c kernel.Conn
}

func (g linuxGroups) control(f func(fd int) error) (err error) {
	if gone := g.c.SyscallConn().Control(func(fd uintptr) { err = f(int(fd)) }); gone != nil {
		return gone
	}
	return err
}

func (g linuxGroups) request(option int, m kernel.Member) error {
	storage := func(a netip.Addr) []byte { // struct sockaddr_storage
		b := make([]byte, 128)
		if a.Is4() {
			b[0] = unix.AF_INET
			copy(b[4:], a.AsSlice())
		} else {
			b[0] = unix.AF_INET6
			copy(b[8:], a.AsSlice())
		}
		return b
	}
	request := append([]byte{byte(m.Interface), 0, 0, 0, 0, 0, 0, 0}, storage(m.Group)...)
	level := unix.IPPROTO_IP
	if m.Group.Is6() {
		level = unix.IPPROTO_IPV6
	}
	if m.Source.IsValid() {
		request = append(request, storage(m.Source)...)
	}
	return g.control(func(fd int) error { return unix.SetsockoptString(fd, level, option, string(request)) })
}

func (g linuxGroups) Join(m kernel.Member) error {
	if m.Source.IsValid() {
		return g.request(unix.MCAST_JOIN_SOURCE_GROUP, m)
	}
	return g.request(unix.MCAST_JOIN_GROUP, m)
}

func (g linuxGroups) Leave(m kernel.Member) error {
	if m.Source.IsValid() {
		return g.request(unix.MCAST_LEAVE_SOURCE_GROUP, m)
	}
	return g.request(unix.MCAST_LEAVE_GROUP, m)
}

func (g linuxGroups) Block(m kernel.Member) error   { return g.request(unix.MCAST_BLOCK_SOURCE, m) }
func (g linuxGroups) Unblock(m kernel.Member) error { return g.request(unix.MCAST_UNBLOCK_SOURCE, m) }

// set sets an option of each family that the socket speaks, IPv6's first.
func (g linuxGroups) set(four, six, value int) error {
	return g.control(func(fd int) error {
		family, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN)
		if err == nil && family == unix.AF_INET6 {
			err = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, six, value)
		}
		if err != nil {
			return err
		}
		if four == unix.IP_MULTICAST_IF {
			return unix.SetsockoptIPMreqn(fd, unix.IPPROTO_IP, four, &unix.IPMreqn{Ifindex: int32(value)})
		}
		return unix.SetsockoptInt(fd, unix.IPPROTO_IP, four, value)
	})
}

func (g linuxGroups) SetHops(hops int) error {
	return g.set(unix.IP_MULTICAST_TTL, unix.IPV6_MULTICAST_HOPS, hops)
}

func (g linuxGroups) SetLoopback(on bool) error {
	value := 0
	if on {
		value = 1
	}
	return g.set(unix.IP_MULTICAST_LOOP, unix.IPV6_MULTICAST_LOOP, value)
}

func (g linuxGroups) SetInterface(index int) error {
	return g.set(unix.IP_MULTICAST_IF, unix.IPV6_MULTICAST_IF, index)
}
