package multicast_test

import (
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.com/dgram/internal/host"
	"example.com/dgram/internal/netlab"
	"example.com/dgram/multicast"
)

// world is the host of the test with cables to another, on which goroutines of
// the socket's own find their way on every path.
func world(t *testing.T, names ...string) (lab *netlab.Lab, peer, home *netlab.Host) {
	t.Helper()
	netlab.RequireIPv6(t)
	lab = netlab.New(t)
	peer, home = lab.Host("peer"), lab.Home()
	for _, name := range names {
		cable(lab, peer, home, name)
	}
	return lab, peer, home
}

func cable(lab *netlab.Lab, peer, home *netlab.Host, name string) {
	last := name[len(name)-1:]
	lab.Link(peer.Port(name, "10.7."+last+".1/24", "fd07:"+last+"::1/64"),
		home.Port(name, "10.7."+last+".2/24", "fd07:"+last+"::2/64"))
}

func TestAnInterfaceThatGoesDownKeepsItsMembers(t *testing.T) {
	_, peer, home := world(t, "cable0")
	for _, g := range []netip.Addr{group, site6} {
		network := "udp6"
		if g.Is4() {
			network = "udp4"
		}
		sender, s := open(t, peer, network, ":0"), open(t, home, network, ":0")
		m := join(t, s, g, multicast.On("cable0"))
		must(t, home.Down("cable0"))
		if names := on(t, s, m); !slices.Equal(names, []string{"cable0"}) {
			t.Errorf("joined on %v", names)
		}
		must(t, home.Up("cable0"), home.Settle("cable0"), peer.Settle("cable0"))
		until(t, sender, "cable0", to(t, g, s), s, "back")
	}
}

// Fault 1 of discovery libraries: they never hear again. The sysctl makes sure
// that what the deleted interface leaves behind does not count.
func TestAnInterfaceMadeAgainIsJoinedAgain(t *testing.T) {
	lab, peer, home := world(t)
	limit, err := home.Sysctl("net.ipv4.igmp_max_memberships")
	lab.Must(err)
	defer func() { must(t, home.SetSysctl("net.ipv4.igmp_max_memberships", limit)) }()
	for name, how := range map[string][]multicast.Option{
		"name":   with(multicast.On("cable0")),
		"zone":   with(multicast.On("::%cable0")),
		"all":    with(multicast.OnAll()),
		"source": with(multicast.On("cable0"), multicast.From(addr("10.7.0.1"))),
		"every":  with(multicast.OnAll(), multicast.From(addr("10.7.0.1"))),
	} {
		t.Run(name, func(t *testing.T) {
			cable(lab, peer, home, "cable0")
			lab.Must(home.SetSysctl("net.ipv4.igmp_max_memberships", "2"))
			s := open(t, home, "udp4", ":0")
			sender := open(t, peer, "udp4", ":0")
			m := join(t, s, group, how...)
			port := to(t, group, s)
			for range 3 {
				until(t, sender, "cable0", port, s, "first")
				lab.Must(home.Delete("cable0"))
				eventually(t, "the membership goes with the interface", func() bool { return len(m.Interfaces()) == 0 })
				cable(lab, peer, home, "cable0")
				until(t, sender, "cable0", port, s, "again")
				if names := m.Interfaces(); !slices.Equal(names, []string{"cable0"}) {
					t.Errorf("joined on %v", names)
				}
			}
			lab.Must(home.Delete("cable0"))
			must(t, m.Leave())
		})
	}
}

func TestGroupsOfIPv6AreJoinedAgainToo(t *testing.T) {
	lab, peer, home := world(t, "cable0")
	s, sender := open(t, home, "udp6", ":0"), open(t, peer, "udp6", ":0")
	join(t, s, local6.WithZone("cable0"))
	join(t, s, site6, multicast.OnAll())
	lab.Must(home.Delete("cable0"))
	cable(lab, peer, home, "cable0")
	until(t, sender, "cable0", to(t, local6, s), s, "link")
	until(t, sender, "cable0", to(t, site6, s), s, "site")
}

func TestABlockedSourceStaysBlockedOnAnInterfaceMadeAgain(t *testing.T) {
	lab, peer, home := world(t, "cable0")
	s := open(t, home, "udp4", ":0")
	join(t, s, group, multicast.OnAll())
	must(t, multicast.Block(s.Socket, group, addr("10.7.0.1"), multicast.OnAll()))
	lab.Must(home.Delete("cable0"))
	cable(lab, peer, home, "cable0")
	lab.Must(peer.AddAddress("cable0", "10.7.0.9/24"))
	good, bad := open(t, peer, "udp4", "10.7.0.9:0"), open(t, peer, "udp4", "10.7.0.1:0")
	until(t, good, "cable0", to(t, group, s), s, "good")
	say(t, bad, "cable0", to(t, group, s), "bad")
	say(t, good, "cable0", to(t, group, s), "end")
	for m := next(t, s); string(m.Data) != "end"; m = next(t, s) {
		if string(m.Data) != "good" { // until may have sent more than one
			t.Fatalf("heard %q", m.Data)
		}
	}
}

func TestLeavingIsPossibleWhileTheInterfaceIsGone(t *testing.T) {
	lab, _, home := world(t, "cable0")
	s := open(t, home, "udp4", ":0")
	one, zone := multicast.On("cable0"), multicast.On("::%cable0")
	join(t, s, group, one)
	join(t, s, ssm, zone, multicast.From(addr("10.7.0.1")))
	join(t, s, other, multicast.OnAll())
	lab.Must(home.Delete("cable0"))
	must(t, s.leave(t, group, one), s.leave(t, ssm, zone, multicast.From(addr("10.7.0.1"))), s.leave(t, other, multicast.OnAll()))
	fails(t, s.leave(t, group, one), syscall.ENODEV)
}

// An index is that interface and no other.
func TestAnIndexIsNotHeld(t *testing.T) {
	lab, peer, home := world(t, "cable0")
	s := open(t, home, "udp4", ":0")
	m := join(t, s, group, multicast.On(index(t, home, "cable0")))
	lab.Must(home.Delete("cable0"))
	cable(lab, peer, home, "cable0")
	if names := m.Interfaces(); len(names) != 0 {
		t.Errorf("joined on %v", names)
	}
	must(t, m.Leave())
}

func TestAllInterfacesAreJoinedAndThoseThatComeLater(t *testing.T) {
	lab, peer, home := world(t, "cable0", "cable1")
	lab.Must(home.Down("cable1"))
	s, sender := open(t, home, "udp4", ":0"), open(t, peer, "udp4", ":0")
	m := join(t, s, group, multicast.OnAll())
	if names := m.Interfaces(); !slices.Contains(names, "cable0") || slices.Contains(names, "cable1") {
		t.Errorf("joined on %v", names)
	}
	lab.Must(home.Up("cable1"))
	cable(lab, peer, home, "cable2")
	for _, name := range []string{"cable0", "cable1", "cable2"} {
		lab.Must(peer.Settle(name), home.Settle(name))
		until(t, sender, name, to(t, group, s), s, name)
	}
	if names := m.Interfaces(); !slices.IsSorted(names) || len(names) < 3 {
		t.Errorf("joined on %v", names)
	}
	must(t, m.Leave())
	for _, name := range []string{"cable0", "cable1", "cable2"} {
		if member(t, home, name, group) {
			t.Errorf("still joined on %s", name)
		}
	}
}

func TestAnInterfaceThatIsRenamedKeepsItsMembers(t *testing.T) {
	lab, peer, home := world(t, "cable0")
	s, sender := open(t, home, "udp4", ":0"), open(t, peer, "udp4", ":0")
	m := join(t, s, group, multicast.On("cable0"))
	lab.Must(home.Down("cable0"), home.Rename("cable0", "moved0"), home.Up("moved0"), home.Settle("moved0"))
	until(t, sender, "cable0", to(t, group, s), s, "moved")
	if names := m.Interfaces(); !slices.Equal(names, []string{"moved0"}) {
		t.Errorf("joined on %v", names)
	}
	lab.Link(peer.Port("new0", "10.7.5.1/24"), home.Port("cable0", "10.7.5.2/24"))
	until(t, sender, "new0", to(t, group, s), s, "new")
	eventually(t, "the name moves the membership", func() bool { return slices.Equal(m.Interfaces(), []string{"cable0"}) })
}

// What an OnAll shares with an On is heard for as long as one of them lasts.
func TestAllAndOneShareAnInterface(t *testing.T) {
	_, peer, home := world(t, "cable0")
	s, sender := open(t, home, "udp4", ":0"), open(t, peer, "udp4", ":0")
	one := join(t, s, group, multicast.On("cable0"))
	all := join(t, s, group, multicast.OnAll())
	must(t, one.Leave())
	say(t, sender, "cable0", to(t, group, s), "all")
	hears(t, s, "all")
	_, err := s.enter(t, group, multicast.On("cable0"))
	fails(t, err, syscall.EADDRINUSE)
	must(t, all.Leave())
	join(t, s, group, multicast.On("cable0"))
}

func TestWhatCannotBeJoinedIsReportedOnce(t *testing.T) {
	lab, peer, home := world(t, "cable0", "cable1")
	limit, err := home.Sysctl("net.ipv4.igmp_max_memberships")
	lab.Must(err, home.SetSysctl("net.ipv4.igmp_max_memberships", "1"))
	defer func() { must(t, home.SetSysctl("net.ipv4.igmp_max_memberships", limit)) }()
	s := open(t, home, "udp4", ":0")
	m := join(t, s, group, multicast.OnAll())
	if names := m.Interfaces(); len(names) != 1 {
		t.Fatalf("joined on %v", names)
	}
	reported := func() error {
		select {
		case err := <-s.Errors():
			return err
		case <-time.After(patience):
			t.Fatal("no report")
		}
		return nil
	}
	report := reported()
	fails(t, report, syscall.ENOBUFS)
	if !strings.Contains(report.Error(), "cable") || !strings.Contains(report.Error(), "239.1.2.3") {
		t.Errorf("%v names no interface or group", report)
	}
	cable(lab, peer, home, "cable2") // is the only news
	if again := reported(); !strings.Contains(again.Error(), "cable2") {
		t.Errorf("reported again: %v", again)
	}
	select {
	case err := <-s.Errors():
		t.Errorf("one more: %v", err)
	default:
	}

	// What held it up ends, and the next change brings it in.
	lab.Must(home.SetSysctl("net.ipv4.igmp_max_memberships", limit), home.Delete("cable2"))
	eventually(t, "both are joined", func() bool { return slices.Equal(m.Interfaces(), []string{"cable0", "cable1"}) })

	none := open(t, home, "udp4", ":0")
	lab.Must(home.SetSysctl("net.ipv4.igmp_max_memberships", "0"))
	_, err = none.enter(t, group, multicast.OnAll())
	fails(t, err, syscall.ENOBUFS)
}

// The interfaces are those of the socket's network namespace, whoever joins, and from
// where.
func TestTheSocketsOwnInterfacesAreFollowed(t *testing.T) {
	if host.Portable {
		t.Skip("package net knows the interfaces of the calling goroutine's namespace")
	}
	netlab.RequireIPv6(t)
	lab := netlab.New(t)
	far, peer := lab.Host("far"), lab.Host("peer")
	cable(lab, peer, far, "cable0")
	s, sender := open(t, far, "udp4", ":0"), open(t, peer, "udp4", ":0")
	m, err := multicast.Join(s.Socket, group, multicast.OnAll()) // not on far
	must(t, err)
	if names := m.Interfaces(); !slices.Contains(names, "cable0") {
		t.Errorf("joined on %v", names)
	}
	until(t, sender, "cable0", to(t, group, s), s, "first")
	cable(lab, peer, far, "cable1")
	until(t, sender, "cable1", to(t, group, s), s, "second")
	lab.Must(far.Delete("cable0"))
	cable(lab, peer, far, "cable0")
	until(t, sender, "cable0", to(t, group, s), s, "third")
	must(t, m.Leave())
}
