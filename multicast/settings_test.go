package multicast_test

import (
	"errors"
	"net"
	"strconv"
	"syscall"
	"testing"

	"example.com/dgram/internal/netlab"
	"example.com/dgram/multicast"
	"example.com/dgram/udp"
)

// Upstream: parallel/test-dgram-multicast-loopback.js,
// parallel/test-dgram-multicast-setTTL.js and
// parallel/test-dgram-multicast-set-interface.js.
func TestSettingsNeedABoundOpenSocketAndSense(t *testing.T) {
	s, err := udp.New("udp4")
	must(t, err)
	defer s.Close()
	calls := map[string]func() error{
		"SetTTL":       func() error { return multicast.SetTTL(s, 16) },
		"TTL":          func() error { return second(multicast.TTL(s)) },
		"SetLoopback":  func() error { return multicast.SetLoopback(s, true) },
		"Loopback":     func() error { return second(multicast.Loopback(s)) },
		"SetInterface": func() error { return multicast.SetInterface(s, "0.0.0.0") },
		"Interface":    func() error { return second(multicast.Interface(s)) },
	}
	for name, call := range calls {
		if err := call(); !errors.Is(err, udp.ErrNotBound) {
			t.Errorf("%s unbound: %v", name, err)
		}
	}
	fails(t, multicast.SetTTL(s, 256), syscall.EINVAL)
	fails(t, multicast.SetInterface(s, ""), syscall.EINVAL)
	must(t, s.Bind(t.Context(), "127.0.0.1:0"))
	for name, call := range calls {
		if err := call(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, hops := range []int{-1, 256, 1000} {
		fails(t, multicast.SetTTL(s, hops), syscall.EINVAL)
	}
	s.Close()
	for name, call := range calls {
		if err := call(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("%s closed: %v", name, err)
		}
	}
	fails(t, multicast.SetTTL(s, 256), net.ErrClosed)
}

func TestSettingsAreReadAsTheyWereSet(t *testing.T) {
	for _, network := range []string{"udp4", "udp6"} {
		t.Run(network, func(t *testing.T) {
			s := here(t, network, ":0").Socket
			before, err := s.TTL()
			must(t, err)
			hops, err := multicast.TTL(s)
			supported(t, err)
			if hops != 1 {
				t.Errorf("at first TTL is %d", hops)
			}
			for _, hops := range []int{0, 1, 16, 255} {
				must(t, multicast.SetTTL(s, hops))
				if got, err := multicast.TTL(s); got != hops || err != nil {
					t.Errorf("TTL is %d, %v; want %d", got, err, hops)
				}
			}
			must(t, s.SetTTL(7))
			if hops, _ := multicast.TTL(s); hops != 255 {
				t.Errorf("the unicast TTL became that of multicast: %d", hops)
			}
			must(t, s.SetTTL(before), multicast.SetTTL(s, 3))
			if hops, _ := s.TTL(); hops != before {
				t.Errorf("the multicast TTL became that of unicast: %d", hops)
			}
			if on, err := multicast.Loopback(s); !on || err != nil {
				t.Errorf("at first loopback is %v, %v", on, err)
			}
			for _, on := range []bool{false, true} {
				supported(t, multicast.SetLoopback(s, on))
				if got, err := multicast.Loopback(s); got != on || err != nil {
					t.Errorf("loopback is %v, %v; want %v", got, err, on)
				}
			}
		})
	}
}

func TestTheOutgoingInterfaceIsReadByName(t *testing.T) {
	netlab.RequireIPv6(t)
	_, a, _ := pair(t, 2)
	for _, network := range []string{"udp4", "udp6"} {
		s := open(t, a, network, ":0")
		name := func() (name string) {
			must(t, s.do(t, func() (err error) { name, err = multicast.Interface(s.Socket); return err }))
			return name
		}
		set := func(iface string) error {
			return s.do(t, func() error { return multicast.SetInterface(s.Socket, iface) })
		}
		if got := name(); got != "" {
			t.Errorf("at first it is %q", got)
		}
		ways := []string{"eth1", index(t, a, "eth1"), "::%eth1", "10.0.1.1"}
		if network == "udp6" {
			ways = append(ways, "fd00:1::1")
		}
		for _, iface := range ways {
			must(t, set(iface))
			if got := name(); got != "eth1" {
				t.Errorf("after %q it is %q", iface, got)
			}
			for _, wrong := range []string{"nosuch0", "999", "::%nosuch0", "10.0.9.9", "224.0.0.1", "undefined"} {
				fails(t, set(wrong), syscall.ENODEV)
			}
			if got := name(); got != "eth1" {
				t.Errorf("after what failed it is %q", got)
			}
			must(t, set([]string{"0.0.0.0", "::"}[len(iface)%2]))
			if got := name(); got != "" {
				t.Errorf("given back, it is %q", got)
			}
		}
	}
	fails(t, multicast.SetInterface(open(t, a, "udp4", ":0").Socket, "fd00::1"), udp.ErrAddressFamily)
	fails(t, multicast.SetInterface(open(t, a, "udp6", ":0", udp.WithIPv6Only()).Socket, "10.0.0.1"), udp.ErrAddressFamily)
}

func TestLoopbackIsForTheSendersHost(t *testing.T) {
	netlab.RequireIPv6(t)
	_, a, b := pair(t, 1)
	for _, g := range []string{"239.1.2.3", "ff05::1:2:3"} {
		g, network := addr(g), "udp6"
		if g.Is4() {
			network = "udp4"
		}
		s := open(t, a, network, ":0")
		port := to(t, g, s)
		peer := open(t, b, network, ":"+strconv.Itoa(int(port.Port())))
		join(t, s, g, multicast.On("eth0"))
		join(t, peer, g, multicast.On("eth0"))
		say(t, s, "eth0", port, "to all")
		hears(t, s, "to all")
		hears(t, peer, "to all")
		must(t, multicast.SetLoopback(s.Socket, false))
		say(t, s, "eth0", port, "to others")
		hears(t, peer, "to others")
		must(t, multicast.SetLoopback(s.Socket, true))
		say(t, s, "eth0", port, "to all again")
		hears(t, s, "to all again")
		hears(t, peer, "to all again")
	}
}

// 0 stays on the host, 1 on the link, 2 goes one router farther.
func TestTTLCountsHops(t *testing.T) {
	netlab.RequireIPv6(t)
	lab := netlab.New(t)
	a, router, b := lab.Host("a"), lab.Host("router"), lab.Host("b")
	lab.Link(a.Port("eth0", "10.0.1.2/24", "fd00:1::2/64"), router.Port("to-a", "10.0.1.1/24", "fd00:1::1/64"))
	lab.Link(router.Port("to-b", "10.0.2.1/24", "fd00:2::1/64"), b.Port("eth0", "10.0.2.2/24", "fd00:2::2/64"))
	lab.Must(router.Forward())
	r, err := router.RouteMulticast("to-a", "to-b")
	lab.Must(err, r.Forward("10.0.1.2", "239.1.2.3", "to-a", "to-b"), r.Forward("fd00:1::2", "ff05::1:2:3", "to-a", "to-b"))
	for _, c := range []struct{ network, group, from string }{
		{"udp4", "239.1.2.3", "10.0.1.2:0"},
		{"udp6", "ff05::1:2:3", "[fd00:1::2]:0"},
	} {
		g := addr(c.group)
		sender := open(t, a, c.network, c.from)
		must(t, sender.SetTTL(9)) // is for unicast
		self := open(t, a, c.network, ":0")
		on := ":" + strconv.Itoa(int(to(t, g, self).Port()))
		near, far := open(t, router, c.network, on), open(t, b, c.network, on)
		join(t, self, g, multicast.On("eth0"))
		join(t, near, g, multicast.On("to-a"))
		join(t, far, g, multicast.On("eth0"))
		for hops := range 4 {
			must(t, multicast.SetTTL(sender.Socket, hops))
			say(t, sender, "eth0", to(t, g, self), strconv.Itoa(hops))
			hears(t, self, strconv.Itoa(hops))
			if hops >= 1 {
				hears(t, near, strconv.Itoa(hops))
			}
			if hops >= 2 {
				hears(t, far, strconv.Itoa(hops))
			}
		}
	}
}
