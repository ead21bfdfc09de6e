package multicast_test

import (
	"fmt"
	"net/netip"
	"sync"
	"syscall"
	"testing"

	"example.com/dgram/internal/netlab"
	"example.com/dgram/multicast"
	"example.com/dgram/udp"
)

// Upstream: internet/test-dgram-multicast-set-interface-lo.js.
func TestTheOutgoingInterfaceIsUsed(t *testing.T) {
	netlab.RequireIPv6(t)
	_, a, b := pair(t, 3)
	for _, g := range []netip.Addr{group, site6} {
		network := "udp6"
		if g.Is4() {
			network = "udp4"
		}
		must(t, a.AddDeviceRoute(map[bool]string{true: "224.0.0.0/4", false: "ff00::/8"}[g.Is4()], "eth0"))
		sender := open(t, a, network, ":0")
		s := open(t, b, network, ":0")
		for _, name := range []string{"eth0", "eth1", "eth2"} {
			join(t, s, g, multicast.On(name))
		}
		for _, c := range []struct{ set, through string }{
			{"eth2", "eth2"}, {"::", "eth0"}, {"eth1", "eth1"}, {"0.0.0.0", "eth0"},
		} {
			must(t, sender.do(t, func() error { return multicast.SetInterface(sender.Socket, c.set) }))
			send(t, sender, to(t, g, s), c.set)
			if m := hears(t, s, c.set); fmt.Sprint(m.Interface) != index(t, b, c.through) {
				t.Errorf("%v with %q came in on %d, not %s", g, c.set, m.Interface, c.through)
			}
		}
	}
}

// A dual-stack socket has one outgoing interface, whatever the group's family.
func TestTheOutgoingInterfaceIsForBothFamilies(t *testing.T) {
	netlab.RequireIPv6(t)
	_, a, b := pair(t, 2)
	sender, s := open(t, a, "udp6", ":0"), open(t, b, "udp6", ":0")
	must(t, sender.do(t, func() error { return multicast.SetInterface(sender.Socket, "eth1") }))
	for _, g := range []netip.Addr{group, site6, local6} {
		join(t, s, g, multicast.On("eth1"))
		send(t, sender, to(t, g, s), "hello")
		hears(t, s, "hello")
	}
}

// A setting that is changed before each datagram would send some of them
// through the wrong interface.
func TestSendersOnSeveralInterfacesDoNotRace(t *testing.T) {
	netlab.RequireIPv6(t)
	const each = 200
	_, a, b := pair(t, 2)
	for _, g := range []netip.Addr{group, local6} {
		network := "udp6"
		if g.Is4() {
			network = "udp4"
		}
		sender := open(t, a, network, ":0")
		s := open(t, b, network, ":0", udp.WithReadBuffer(4<<20))
		names := map[int]string{}
		for _, name := range []string{"eth0", "eth1"} {
			join(t, s, g, multicast.On(name))
			n, err := b.Index(name)
			must(t, err)
			names[n] = name
		}
		must(t, sender.do(t, func() error { return multicast.SetInterface(sender.Socket, "eth0") }))
		errs := make(chan error, 2)
		var wg sync.WaitGroup
		for _, name := range names {
			wg.Go(func() {
				errs <- a.Do(func() error {
					for range each {
						if err := multicast.SendOn(t.Context(), sender.Socket, name, to(t, g, s), []byte(name)); err != nil {
							return err
						}
					}
					return nil
				})
			})
		}
		for range 2 * each {
			m := next(t, s)
			if string(m.Data) != names[m.Interface] {
				t.Errorf("%v: what was sent on %s came in on %s", g, m.Data, names[m.Interface])
			}
		}
		wg.Wait()
		must(t, <-errs, <-errs)
		if name, err := multicast.Interface(sender.Socket); network == "udp4" && err == nil && name == "eth1" {
			t.Error("SendOn changed the setting")
		}
	}
}

func TestSendOnSaysWhatIsWrong(t *testing.T) {
	_, a, _ := pair(t, 2)
	s := open(t, a, "udp6", ":0")
	for _, c := range []struct {
		iface, to string
		want      error
	}{
		{"nosuch0", "[ff02::1]:9", syscall.ENODEV},
		{"", "[ff02::1]:9", syscall.EINVAL},
		{"10.0.0.1", "[ff02::1]:9", udp.ErrAddressFamily},
		{"eth0", "[ff02::1%eth1]:9", syscall.EINVAL},
		{"eth0", "[ff02::1%nosuch0]:9", syscall.ENODEV},
		{"eth0", "[ff02::1]:0", udp.ErrBadPort},
	} {
		err := s.do(t, func() error {
			return multicast.SendOn(t.Context(), s.Socket, c.iface, netip.MustParseAddrPort(c.to), nil)
		})
		fails(t, err, c.want)
	}
	must(t, s.do(t, func() error {
		return multicast.SendOn(t.Context(), s.Socket, "eth1", netip.MustParseAddrPort("[ff02::1%eth1]:9"), []byte("both"))
	}))
}

// Linux forgets the address that the socket is bound to when it is told an
// interface alone.
func TestSendOnLeavesFromTheSocketsAddress(t *testing.T) {
	netlab.RequireIPv6(t)
	_, a, b := pair(t, 1)
	must(t, a.AddAddress("eth0", "10.0.0.9/24"), a.AddAddress("eth0", "fd00:0::9/64"))
	for from, g := range map[string]netip.Addr{"10.0.0.9": group, "fd00:0::9": site6} {
		network := "udp6"
		if g.Is4() {
			network = "udp4"
		}
		sender, s := open(t, a, network, netip.AddrPortFrom(addr(from), 0).String()), open(t, b, network, ":0")
		join(t, s, g, multicast.On("eth0"))
		say(t, sender, "eth0", to(t, g, s), "hello")
		if m := hears(t, s, "hello"); m.From != to(t, addr(from), sender) {
			t.Errorf("it came from %v", m.From)
		}
	}
}
