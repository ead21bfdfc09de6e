package kerneltest

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"example.com/dgram/internal/kernel"
	"example.com/dgram/internal/netlab"
)

// patience is how long a test waits for an event. calm is how long it waits to see
// that there is none.
const (
	patience = 10 * time.Second
	calm     = 100 * time.Millisecond
)

// Addr parses an address. Addr, Check and Local serve the tests of implementations, too.
func Addr(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

// Check ends the test unless err is nil. It skips the test if the system lacks
// something.
func Check(t testing.TB, err error) {
	t.Helper()
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// open opens a socket for as long as the test lasts.
func (s suite) open(t testing.TB, cfg kernel.Config) kernel.Conn {
	t.Helper()
	if cfg.Network == "" {
		cfg.Network = "udp4"
	}
	if cfg.Network == "udp6" && !s.system.IPv6() {
		t.Skip("no IPv6")
	}
	c, err := s.system.Open(cfg)
	Check(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

// loopback opens a socket on the loopback interface.
func (s suite) loopback(t testing.TB, network string) kernel.Conn {
	t.Helper()
	if network == "udp6" {
		return s.open(t, kernel.Config{Network: network, Local: Addr("[::1]:0")})
	}
	return s.open(t, kernel.Config{Network: network, Local: Addr("127.0.0.1:0")})
}

// Local returns the address of c.
func Local(t testing.TB, c kernel.Conn) netip.AddrPort {
	t.Helper()
	a, err := c.LocalAddr()
	Check(t, err)
	return a
}

// at returns host with the port of c.
func at(t testing.TB, host string, c kernel.Conn) netip.AddrPort {
	t.Helper()
	return netip.AddrPortFrom(netip.MustParseAddr(host), Local(t, c).Port())
}

func send(t testing.TB, c kernel.Conn, s string, to netip.AddrPort) {
	t.Helper()
	Check(t, c.Send(&kernel.Datagram{Data: []byte(s), To: to}, nil))
}

func loopbackInterface(t testing.TB) net.Interface {
	t.Helper()
	if netlab.Swapped() {
		return net.Interface{Name: "lo", Index: 1, Flags: net.FlagLoopback | net.FlagUp} // as on every Linux
	}
	all, err := net.Interfaces()
	Check(t, err)
	i := slices.IndexFunc(all, func(i net.Interface) bool { return i.Flags&net.FlagLoopback != 0 && i.Flags&net.FlagUp != 0 })
	if i < 0 {
		t.Skip("no loopback interface")
	}
	return all[i]
}
