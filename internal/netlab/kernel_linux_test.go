package netlab_test

import (
	"errors"
	"net"
	"net/netip"
	"os/exec"
	"testing"

	"example.com/dgram/internal/netlab"
	"golang.org/x/sys/unix"
)

// errnoOf returns the errno in err, or 0.
func errnoOf(err error) unix.Errno {
	var errno unix.Errno
	errors.As(err, &errno)
	return errno
}

func TestDropsAreCounted(t *testing.T) {
	counted := floodCounters(t, "127.0.0.1:0", (*netlab.Host).UDPCounters)
	if counted.OutDatagrams != 100 {
		t.Errorf("%d sent, want 100", counted.OutDatagrams)
	}
}

func TestDropsOfIPv6AreCounted(t *testing.T) {
	netlab.RequireIPv6(t)
	floodCounters(t, "[::1]:0", (*netlab.Host).UDP6Counters)
}

// floodCounters sends 100 datagrams to a socket with a small buffer, expects the
// socket and the host to count the same drops, and returns the counters of the host.
func floodCounters(t *testing.T, address string, counters func(*netlab.Host) (netlab.UDPCounters, error)) netlab.UDPCounters {
	t.Helper()
	lab := netlab.New(t)
	a := lab.Host("a")
	c := listen(t, a, address)
	if err := c.SetReadBuffer(4096); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		send(t, c, string(make([]byte, 500)), local(c))
	}
	sockets, err := a.UDPSockets()
	if err != nil || len(sockets) != 1 || sockets[0].Local != local(c) {
		t.Fatalf("sockets %v, error %v, want %v", sockets, err, local(c))
	}
	counted, err := counters(a)
	lab.Must(err)
	drops := sockets[0].Drops
	if drops == 0 || drops >= 100 || drops != counted.RcvbufErrors || drops != counted.InErrors {
		t.Errorf("socket dropped %d of 100, host counted %+v", drops, counted)
	}
	return counted
}

func TestDestroyedSocketsAreAborted(t *testing.T) {
	netlab.RequireIPv6(t)
	lab := netlab.New(t)
	a := lab.Host("a")
	for _, address := range []string{"127.0.0.1:7001", "[::1]:7002"} {
		c := listen(t, a, address)
		lab.Must(a.DestroySocket(netip.MustParseAddrPort(address), netip.AddrPort{}))
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, unix.ECONNABORTED) {
			t.Errorf("%s: error %v, want %v", address, err, unix.ECONNABORTED)
		}
	}
}

func TestConnectedSocketsAreDestroyed(t *testing.T) {
	lab := netlab.New(t)
	a := lab.Host("a")
	c := netlab.On(a, func() (*net.UDPConn, error) {
		return net.DialUDP("udp4", nil, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9})
	})
	defer c.Close()
	lab.Must(a.DestroySocket(local(c), netip.MustParseAddrPort("127.0.0.1:9")))
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, unix.ECONNABORTED) {
		t.Errorf("error %v, want %v", err, unix.ECONNABORTED)
	}
}

func TestForgeriesArriveAsTheKernelLetsThem(t *testing.T) {
	netlab.RequireIPv6(t)
	lab := netlab.New(t)
	a, b := lab.Host("a"), lab.Host("b")
	lab.Link(a.Port("eth0"), b.Port("eth0", "10.0.0.2/24", "fd00::2/64"))
	lab.Must(b.AddDeviceRoute("0.0.0.0/0", "eth0"))
	mac, err := b.MAC("eth0")
	lab.Must(err)

	for _, c := range []struct{ own, peer, stranger string }{
		{"10.0.0.2", "10.0.0.1", "203.0.113.9"},
		{"fd00::2", "fd00::1", "2001:db8::9"},
	} {
		cb := listen(t, b, netip.AddrPortFrom(netip.MustParseAddr(c.own), 0).String())
		peer, stranger := netip.MustParseAddr(c.peer), netip.MustParseAddr(c.stranger)
		forge := func(from netip.Addr, port uint16, change func(*netlab.Forgery)) {
			f := netlab.Forgery{MAC: mac, From: netip.AddrPortFrom(from, port), To: local(cb), Payload: []byte("forged")}
			change(&f)
			lab.Must(a.Inject("eth0", f.Frame()))
		}
		as := func(*netlab.Forgery) {}

		forge(peer, 7, func(f *netlab.Forgery) { f.Checksum = 1 })   // dropped
		forge(peer, 7, func(f *netlab.Forgery) { f.Length = 8 + 7 }) // longer than it is: dropped
		forge(peer, 7, func(f *netlab.Forgery) { f.Length = 8 + 3 })
		receive(t, cb, "for")
		forge(peer, 0, as)
		if from := receive(t, cb, "forged"); from.Port() != 0 {
			t.Errorf("from %v, want port 0", from)
		}
		forge(stranger, 7, as)
		if from := receive(t, cb, "forged"); from.Addr() != stranger {
			t.Errorf("from %v, want %v", from, stranger)
		}
		// An own address is a source that only IPv4 refuses.
		own := netip.MustParseAddr(c.own)
		forge(own, 7, as)
		if own.Is6() {
			if from := receive(t, cb, "forged"); from.Addr() != own {
				t.Errorf("from %v, want %v", from, own)
			}
		}
		forge(peer, 7, func(f *netlab.Forgery) { f.Payload = nil })
		receive(t, cb, "")
	}
	v4, err := b.UDPCounters()
	lab.Must(err)
	v6, err := b.UDP6Counters()
	lab.Must(err)
	if v4.InCsumErrors != 1 || v6.InCsumErrors != 1 {
		t.Errorf("%d and %d wrong checksums counted, want 1 each", v4.InCsumErrors, v6.InCsumErrors)
	}
}

func TestFiltersRefuseSends(t *testing.T) {
	lab := netlab.New(t)
	a := lab.Host("a")
	err := a.Filter(`table inet lab {
		chain output {
			type filter hook output priority 0
			udp dport 9 drop
		}
	}`)
	if errors.Is(err, exec.ErrNotFound) {
		t.Skip(err)
	}
	lab.Must(err)
	c := listen(t, a, "127.0.0.1:0")
	_, err = c.WriteToUDPAddrPort(nil, netip.MustParseAddrPort("127.0.0.1:9"))
	if !errors.Is(err, unix.EPERM) {
		t.Errorf("error %v, want %v", err, unix.EPERM)
	}
	send(t, c, "passes", local(c))
	receive(t, c, "passes")
}
