package multicast_test

import (
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"testing"

	"example.com/dgram/internal/netlab"
	"example.com/dgram/multicast"
	"example.com/dgram/udp"
)

// Upstream: parallel/test-dgram-membership.js and
// internet/test-dgram-membership.js.
func TestWhatIsWrongIsSaidByName(t *testing.T) {
	s := here(t, "udp4", ":0")
	six := here(t, "udp6", ":0", udp.WithIPv6Only())
	src := addr("127.0.0.1")
	for _, c := range []struct {
		s     station
		group netip.Addr
		opts  []multicast.Option
		want  error
		word  string
	}{
		{s, netip.Addr{}, nil, syscall.EINVAL, "group"},
		{s, addr("10.0.0.1"), nil, syscall.EINVAL, "group 10.0.0.1"},
		{s, addr("0.0.0.0"), nil, syscall.EINVAL, "group 0.0.0.0"},
		{s, addr("255.255.255.255"), nil, syscall.EINVAL, "group 255.255.255.255"},
		{s, site6, nil, udp.ErrAddressFamily, "group ff05::1:2:3"},
		{six, group, nil, udp.ErrAddressFamily, "group 239.1.2.3"},
		{six, addr("fe80::1"), nil, syscall.EINVAL, "group fe80::1"},
		{s, group, with(multicast.On("")), syscall.EINVAL, "interface"},
		{s, group, with(multicast.On("nosuch0")), syscall.ENODEV, "nosuch0"},
		{s, group, with(multicast.On("9999")), syscall.ENODEV, "9999"},
		{s, group, with(multicast.On("0")), syscall.ENODEV, "0"},
		{s, group, with(multicast.On("10.9.9.9")), syscall.ENODEV, "10.9.9.9"},
		{s, group, with(multicast.On("::1")), udp.ErrAddressFamily, "interface ::1"},
		{s, group, with(multicast.On("::%nosuch0")), syscall.ENODEV, "nosuch0"},
		{six, local6.WithZone("nosuch0"), nil, syscall.ENODEV, "nosuch0"},
		{six, local6.WithZone("lo"), with(multicast.OnAll()), syscall.EINVAL, "interface"},
		{s, group, with(multicast.On("lo"), multicast.OnAll()), syscall.EINVAL, "interface"},
		{s, group, with(multicast.On("lo"), multicast.On("eth0")), syscall.EINVAL, "interface"},
		{s, group, with(multicast.From(netip.Addr{})), syscall.EINVAL, "source"},
		{s, group, with(multicast.From(addr("::1"))), udp.ErrAddressFamily, "source ::1"},
		{s, group, with(multicast.From(group)), syscall.EINVAL, "source 239.1.2.3"},
		{s, group, with(multicast.From(addr("0.0.0.0"))), syscall.EINVAL, "source 0.0.0.0"},
		{s, group, with(multicast.From(src), multicast.From(addr("127.0.0.2"))), syscall.EINVAL, "source"},
		{six, site6, with(multicast.From(addr("fe80::7%nosuch0"))), syscall.ENODEV, "nosuch0"},
		{s, group, with(nil), syscall.EINVAL, "option"},
	} {
		_, err := multicast.Join(c.s.Socket, c.group, c.opts...)
		var op *net.OpError
		if !errors.Is(err, c.want) || !errors.As(err, &op) || op.Op != "join" || !strings.Contains(err.Error(), c.word) {
			t.Errorf("joining %v: %v; want %v about %s", c.group, err, c.want, c.word)
		}
		if err := multicast.Leave(c.s.Socket, c.group, c.opts...); !errors.Is(err, c.want) && !errors.Is(err, syscall.EADDRNOTAVAIL) {
			t.Errorf("leaving %v: %v; want %v", c.group, err, c.want)
		}
	}
	for _, f := range []func(*udp.Socket, netip.Addr, netip.Addr, ...multicast.Option) error{multicast.Block, multicast.Unblock} {
		fails(t, f(s.Socket, src, src), syscall.EINVAL)
		fails(t, f(s.Socket, group, group), syscall.EINVAL)
		fails(t, f(s.Socket, group, addr("::1")), udp.ErrAddressFamily)
		fails(t, f(s.Socket, group, src, multicast.From(src)), syscall.EINVAL)
		fails(t, f(s.Socket, group, src, multicast.On("lo")), syscall.EADDRNOTAVAIL)
		fails(t, f(six.Socket, site6, addr("fe80::7%nosuch0"), multicast.On("lo")), syscall.ENODEV)
	}
	m := join(t, six, site6, multicast.On("lo"))
	fails(t, six.leave(t, site6.WithZone("nosuch0"), multicast.On("lo")), syscall.ENODEV)
	must(t, m.Leave())
}

func with(opts ...multicast.Option) []multicast.Option { return opts }

func TestJoinedTwiceAndLeftTwice(t *testing.T) {
	s := here(t, "udp4", ":0")
	on := multicast.On(loopback(t))
	fails(t, s.leave(t, group, on), syscall.EADDRNOTAVAIL)
	m := join(t, s, group, on)
	_, err := s.enter(t, group, on)
	fails(t, err, syscall.EADDRINUSE)
	var call *net.OpError
	if !errors.As(err, &call) {
		t.Errorf("%T", err)
	}
	if text := err.Error(); !strings.Contains(text, "is joined already") || strings.Contains(text, group.String()+":0") {
		t.Errorf("%q does not say that the group is joined", text)
	}
	fails(t, s.leave(t, other, on), syscall.EADDRNOTAVAIL)
	fails(t, s.leave(t, group), syscall.EADDRNOTAVAIL)
	must(t, s.leave(t, group, on))
	fails(t, s.leave(t, group, on), syscall.EADDRNOTAVAIL)
	must(t, m.Leave(), m.Leave())
	m = join(t, s, group, on)
	must(t, m.Leave(), m.Leave())
	fails(t, s.leave(t, group, on), syscall.EADDRNOTAVAIL)

	join(t, s, group, multicast.OnAll())
	_, err = s.enter(t, group, multicast.OnAll())
	fails(t, err, syscall.EADDRINUSE)
	must(t, s.leave(t, group, multicast.OnAll()))
}

// loopback is the name of the loopback interface.
func loopback(t *testing.T) string {
	t.Helper()
	is, err := net.Interfaces()
	must(t, err)
	for _, i := range is {
		if i.Flags&net.FlagLoopback != 0 && i.Flags&net.FlagUp != 0 {
			return i.Name
		}
	}
	t.Skip("no loopback interface")
	return ""
}

// Upstream: parallel/test-dgram-membership.js: after close, everything fails.
func TestAClosedSocketHasNoMembers(t *testing.T) {
	s := here(t, "udp4", ":0")
	lo := multicast.On(loopback(t))
	m := join(t, s, group, lo)
	if names := m.Interfaces(); len(names) != 1 {
		t.Errorf("joined on %v", names)
	}
	s.Close()
	must(t, m.Leave(), m.Leave())
	if names := m.Interfaces(); len(names) != 0 {
		t.Errorf("still joined on %v", names)
	}
	src := addr("127.0.0.1")
	for name, err := range map[string]error{
		"Join":      second(multicast.Join(s.Socket, group, lo)),
		"Join all":  second(multicast.Join(s.Socket, group, multicast.OnAll())),
		"Join none": second(multicast.Join(s.Socket, src)),
		"Leave":     multicast.Leave(s.Socket, group, lo),
		"Block":     multicast.Block(s.Socket, group, src, lo),
		"Unblock":   multicast.Unblock(s.Socket, group, src, lo),
		"SendOn":    multicast.SendOn(t.Context(), s.Socket, "lo", netip.AddrPortFrom(group, 9)),
	} {
		if !errors.Is(err, net.ErrClosed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	u := unbound(t, nil, "udp4")
	u.Close()
	fails(t, second(multicast.Join(u.Socket, group)), net.ErrClosed)
}

func TestTheKernelKnowsTheMembers(t *testing.T) {
	netlab.RequireIPv6(t)
	_, _, b := pair(t, 2)
	for _, g := range []netip.Addr{group, site6, local6} {
		network := "udp6"
		if g.Is4() {
			network = "udp4"
		}
		s := open(t, b, network, ":0")
		m := join(t, s, g, multicast.On("eth0"))
		again := join(t, s, g, multicast.On("eth1"))
		if !member(t, b, "eth0", g) || !member(t, b, "eth1", g) {
			t.Errorf("%v is not joined", g)
		}
		quit(t, s, m)
		if member(t, b, "eth0", g) || !member(t, b, "eth1", g) {
			t.Errorf("leaving %v left elsewhere", g)
		}
		s.Close()
		if member(t, b, "eth1", g) {
			t.Errorf("%v has outlived the socket", g)
		}
		must(t, again.Leave())
	}
}

// The system goes by its routes. Leaving what it chose leaves nothing else.
func TestTheSystemChoosesOneInterface(t *testing.T) {
	netlab.RequireIPv6(t)
	lab, a, b := pair(t, 2)
	for _, g := range []netip.Addr{group, site6} {
		network, route := "udp6", "ff00::/8"
		if g.Is4() {
			network, route = "udp4", "224.0.0.0/4"
			s := open(t, b, network, ":0")
			_, err := s.enter(t, g)
			fails(t, err, syscall.ENODEV) // no route
		}
		lab.Must(b.AddDeviceRoute(route, "eth1"))
		s := open(t, b, network, ":0")
		m := join(t, s, g)
		also := join(t, s, g, multicast.On("eth0"))
		if !member(t, b, "eth1", g) {
			t.Errorf("%v is not joined where the route leads", g)
		}
		say(t, open(t, a, network, ":0"), "eth1", to(t, g, s), "hello")
		hears(t, s, "hello")
		if names := on(t, s, m); len(names) == 1 { // where the system tells
			if names[0] != "eth1" {
				t.Errorf("it says that it is on %v", names)
			}
			must(t, s.leave(t, g))
			if member(t, b, "eth1", g) || !member(t, b, "eth0", g) {
				t.Error("another was left")
			}
		}
		if names := on(t, s, also); len(names) != 1 || names[0] != "eth0" {
			t.Errorf("the other is on %v", names)
		}
		lab.Must(b.RemoveRoute(route))
	}
}

func TestTheKernelsLimitsAreErrorsThatNameThem(t *testing.T) {
	lab, a, b := pair(t, 1)
	lab.Must(b.SetSysctl("net.ipv4.igmp_max_memberships", "20"), b.SetSysctl("net.ipv4.igmp_max_msf", "10"))
	s := open(t, b, "udp4", ":0")
	eth0 := multicast.On("eth0")
	g := group
	for range 20 {
		join(t, s, g, eth0)
		g = g.Next()
	}
	limited := func(err error, sysctl string) {
		t.Helper()
		fails(t, err, syscall.ENOBUFS)
		if err == nil || !strings.Contains(err.Error(), sysctl) {
			t.Errorf("%v does not name %s", err, sysctl)
		}
	}
	_, err := s.enter(t, g, eth0)
	limited(err, "net.ipv4.igmp_max_memberships")
	src := addr("10.0.0.1")
	_, err = s.enter(t, ssm, multicast.From(src), eth0)
	limited(err, "net.ipv4.igmp_max_memberships")

	must(t, s.leave(t, group, eth0))
	for range 10 {
		join(t, s, ssm, multicast.From(src), eth0)
		src = src.Next()
	}
	_, err = s.enter(t, ssm, multicast.From(src), eth0)
	limited(err, "net.ipv4.igmp_max_msf")
	blocked := addr("10.9.9.1")
	for range 10 {
		must(t, s.do(t, func() error { return multicast.Block(s.Socket, other, blocked, eth0) }))
		blocked = blocked.Next()
	}
	limited(s.do(t, func() error { return multicast.Block(s.Socket, other, blocked, eth0) }), "net.ipv4.igmp_max_msf")

	sender := open(t, a, "udp4", "10.0.0.1:0")
	for _, g := range []netip.Addr{other, ssm} { // what was joined before is whole
		say(t, sender, "eth0", to(t, g, s), g.String())
		hears(t, s, g.String())
	}
}

func TestJoinAndLeaveWhileTheSocketCloses(t *testing.T) {
	lo := loopback(t)
	for range 20 {
		s := here(t, "udp4", ":0")
		var wg sync.WaitGroup
		for _, opts := range [][]multicast.Option{with(multicast.On(lo)), with(multicast.OnAll()), with(multicast.On("127.0.0.1"))} {
			wg.Go(func() {
				for {
					m, err := multicast.Join(s.Socket, group, opts...)
					if errors.Is(err, net.ErrClosed) {
						return
					}
					if err == nil {
						m.Interfaces()
						if err := m.Leave(); err != nil {
							t.Error(err)
						}
					}
				}
			})
		}
		g, err := s.enter(t, other, multicast.OnAll())
		s.Close()
		wg.Wait()
		supported(t, err)
		must(t, g.Leave())
	}
}

// IPv6 has no limit of groups but that of the memory they take.
func TestTheLimitsOfIPv6AreNamedToo(t *testing.T) {
	netlab.RequireIPv6(t)
	_, _, b := pair(t, 1)
	s := open(t, b, "udp6", ":0")
	eth0, src := multicast.On("eth0"), addr("fd00::1:1")
	var err error
	for n := 0; err == nil && n < 1000; n++ {
		_, err = s.enter(t, ssm6, multicast.From(src), eth0)
		src = src.Next()
	}
	if !errors.Is(err, syscall.ENOBUFS) || !strings.Contains(err.Error(), "net.ipv6.mld_max_msf") {
		t.Errorf("too many sources: %v", err)
	}
	g := site6
	err = nil
	for n := 0; err == nil && n < 100000; n++ {
		_, err = s.enter(t, g, eth0)
		g = g.Next()
	}
	if err == nil || !strings.Contains(err.Error(), "net.core.optmem_max") {
		t.Errorf("too many groups: %v", err)
	}
}
