package netlab_test

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"example.com/dgram/internal/netlab"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(netlab.Inside(m)) }

// listen opens a UDP socket on a host.
func listen(t *testing.T, h *netlab.Host, address string) *net.UDPConn {
	t.Helper()
	c := netlab.On(h, func() (*net.UDPConn, error) {
		return net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort(address)))
	})
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return c
}

// send sends s to an address.
func send(t *testing.T, c *net.UDPConn, s string, to netip.AddrPort) {
	t.Helper()
	if _, err := c.WriteToUDPAddrPort([]byte(s), to); err != nil {
		t.Fatal(err)
	}
}

// receive expects s to be the next datagram and returns where it came from.
func receive(t *testing.T, c *net.UDPConn, s string) netip.AddrPort {
	t.Helper()
	b := make([]byte, 64<<10)
	n, from, err := c.ReadFromUDPAddrPort(b)
	if err != nil {
		t.Fatalf("%v, want %q", err, s)
	}
	if got := string(b[:n]); got != s {
		t.Fatalf("received %q, want %q", got, s)
	}
	return netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
}

// local returns the address a socket is bound to.
func local(c *net.UDPConn) netip.AddrPort {
	a := c.LocalAddr().(*net.UDPAddr).AddrPort()
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

// port returns addr with the port of c.
func port(addr string, c *net.UDPConn) netip.AddrPort {
	return netip.AddrPortFrom(netip.MustParseAddr(addr), local(c).Port())
}
