package netlab_test

import (
	"errors"
	"net"
	"net/netip"
	"testing"

	"example.com/dgram/internal/netlab"
)

func TestTwoHostsExchangeDatagrams(t *testing.T) {
	lab := netlab.New(t)
	a, b := lab.Host("a"), lab.Host("b")
	lab.Link(a.Port("eth0", "10.0.0.1/24"), b.Port("eth0", "10.0.0.2/24"))

	ca, cb := listen(t, a, "10.0.0.1:0"), listen(t, b, "10.0.0.2:0")
	send(t, ca, "question", local(cb))
	if from := receive(t, cb, "question"); from != local(ca) {
		t.Fatalf("from %v, want %v", from, local(ca))
	}
	send(t, cb, "answer", local(ca))
	receive(t, ca, "answer")
}

func TestTwoHostsExchangeDatagramsOverIPv6(t *testing.T) {
	netlab.RequireIPv6(t)
	lab := netlab.New(t)
	a, b := lab.Host("a"), lab.Host("b")
	lab.Link(a.Port("eth0", "fd00::1/64"), b.Port("eth0", "fd00::2/64"))

	ca, cb := listen(t, a, "[fd00::1]:0"), listen(t, b, "[fd00::2]:0")
	send(t, ca, "question", local(cb))
	send(t, cb, "answer", receive(t, cb, "question"))
	receive(t, ca, "answer")
}

func TestLinkLocalAddressesHaveZonesOfTheirHost(t *testing.T) {
	netlab.RequireIPv6(t)
	lab := netlab.New(t)
	a, b := lab.Host("a"), lab.Host("b")
	lab.Link(b.Port("spare"), b.Port("other")) // so that indexes differ
	lab.Link(a.Port("eth0"), b.Port("eth0"))

	ipA, err := a.LinkLocal("eth0")
	lab.Must(err)
	ipB, err := b.LinkLocal("eth0")
	lab.Must(err)
	if ipA.Zone() == ipB.Zone() {
		t.Fatalf("%v and %v have the same zone", ipA, ipB)
	}
	ca := listen(t, a, netip.AddrPortFrom(ipA, 0).String())
	cb := listen(t, b, netip.AddrPortFrom(ipB, 0).String())

	send(t, ca, "question", netip.AddrPortFrom(ipB.WithZone(ipA.Zone()), local(cb).Port()))
	from := receive(t, cb, "question")
	if from.Addr().WithZone("") != ipA.WithZone("") {
		t.Fatalf("from %v, want %v", from, ipA)
	}
	// Package net puts a name into the zone, by the host the process is on.
	send(t, cb, "answer", netip.AddrPortFrom(ipA.WithZone(ipB.Zone()), from.Port()))
	receive(t, ca, "answer")
}

func TestThreeHostsMeetAtASwitch(t *testing.T) {
	lab := netlab.New(t)
	a, b, c := lab.Host("a"), lab.Host("b"), lab.Host("c")
	sw := lab.Switch("switch",
		a.Port("eth0", "10.0.0.1/24"),
		b.Port("eth0", "10.0.0.2/24"),
		c.Port("eth0", "10.0.0.3/24"))

	ca, cb, cc := listen(t, a, "10.0.0.1:0"), listen(t, b, "10.0.0.2:0"), listen(t, c, "10.0.0.3:0")
	send(t, ca, "to b", local(cb))
	receive(t, cb, "to b")
	send(t, ca, "to c", local(cc))
	receive(t, cc, "to c")

	// A port that is detached and attached again forwards again.
	lab.Must(sw.Detach("port1"), sw.Attach("port1", "bridge"), sw.Settle("port1"))
	send(t, cc, "to b again", local(cb))
	receive(t, cb, "to b again")
}

func TestHomeIsWhereGoroutinesAre(t *testing.T) {
	lab := netlab.New(t)
	home, peer := lab.Home(), lab.Host("peer")
	lab.Link(home.Port("lab0", "10.0.0.1/24"), peer.Port("eth0", "10.0.0.2/24"))

	found := make(chan error)
	go func() {
		_, err := net.InterfaceByName("lab0")
		found <- err
	}()
	if err := <-found; err != nil {
		t.Fatal(err)
	}
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(10, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	cp := listen(t, peer, "10.0.0.2:0")
	send(t, c, "hello", local(cp))
	receive(t, cp, "hello")
}

func TestLinksLeaveHomeWithTheirTest(t *testing.T) {
	netlab.Require(t)
	t.Run("test", func(t *testing.T) {
		lab := netlab.New(t)
		lab.Link(lab.Home().Port("lab0"), lab.Host("peer").Port("eth0"))
		lab.Must(lab.Home().Down("lab0"), lab.Home().Rename("lab0", "lab1"))
	})
	for _, name := range []string{"lab0", "lab1"} {
		if _, err := net.InterfaceByName(name); err == nil {
			t.Errorf("%s is still there", name)
		}
	}
}

func TestDoNestsAndComesBack(t *testing.T) {
	lab := netlab.New(t)
	a, b := lab.Host("a"), lab.Host("b")
	lab.Link(a.Port("in-a"), b.Port("in-b"))
	there := func(name string) {
		t.Helper()
		if _, err := net.InterfaceByName(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	failure := errors.New("failure")
	err := a.Do(func() error {
		there("in-a")
		err := b.Do(func() error { there("in-b"); return failure })
		there("in-a")
		return err
	})
	if !errors.Is(err, failure) {
		t.Errorf("error %v, want %v", err, failure)
	}
	if _, err := net.InterfaceByName("in-a"); err == nil {
		t.Error("still on a")
	}
}

func TestDoMayEndTheTest(t *testing.T) {
	lab := netlab.New(t)
	a := lab.Host("a")
	lab.Link(a.Port("in-a"), a.Port("other"))
	t.Run("skipped", func(t *testing.T) {
		t.Cleanup(func() {
			if _, err := net.InterfaceByName("in-a"); err == nil {
				t.Error("still on a")
			}
		})
		lab.Must(a.Do(func() error { t.SkipNow(); return nil }))
	})
}

func TestHostsMayBeUsedFromManyGoroutines(t *testing.T) {
	lab := netlab.New(t)
	a := lab.Host("a")
	lab.Link(a.Port("eth0"), a.Port("eth1"))
	done := make(chan error)
	for range 8 {
		go func() {
			for range 10 {
				err := errors.Join(a.Up("eth0"), a.Do(func() error {
					_, err := net.InterfaceByName("eth1")
					return err
				}))
				if err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range 8 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
