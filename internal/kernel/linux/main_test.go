//go:build linux

package linux_test

import (
	"flag"
	"net/netip"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"example.com/dgram/internal/kernel"
	"example.com/dgram/internal/kernel/kerneltest"
	"example.com/dgram/internal/kernel/linux"
	"example.com/dgram/internal/netlab"
)

func TestMain(m *testing.M) {
	flag.Parse()
	if *refuse != "" {
		os.Exit(m.Run()) // goleak may have to wait, and the runtime ends a program that waits where epoll is refused
	}
	goleak.VerifyTestMain(netlab.Inside(m))
}

func TestTheContract(t *testing.T) { kerneltest.Test(t, linux.System{}) }

var addr, check, local = kerneltest.Addr, kerneltest.Check, kerneltest.Local

// open opens a socket for as long as the test lasts.
func open(t testing.TB, cfg kernel.Config) kernel.Conn {
	t.Helper()
	if cfg.Network == "udp6" && !(linux.System{}).IPv6() {
		t.Skip("no IPv6")
	}
	c, err := linux.System{}.Open(cfg)
	check(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

// loopback opens a socket that is bound to the loopback address.
func loopback(t testing.TB, network string) kernel.Conn {
	t.Helper()
	local := "127.0.0.1:0"
	if network == "udp6" {
		local = "[::1]:0"
	}
	return open(t, kernel.Config{Network: network, Local: addr(local)})
}

func send(t testing.TB, c kernel.Conn, s string, to netip.AddrPort) {
	t.Helper()
	check(t, c.SendTo([]byte(s), to))
}

// want expects the next datagram to be s.
func want(t testing.TB, c kernel.Conn, s string) {
	t.Helper()
	check(t, c.SetReadDeadline(time.Now().Add(10*time.Second)))
	b := make([]byte, 1<<16)
	n, _, _, err := c.ReadMsg(b, nil, new(kernel.Packet))
	check(t, err)
	if string(b[:n]) != s {
		t.Fatalf("received %.40q, want %.40q", b[:n], s)
	}
}

// fence waits until everything that was sent on loopback has arrived: loopback keeps
// the order, and a datagram that is sent now arrives after the others.
func fence(t testing.TB) {
	t.Helper()
	c := loopback(t, "udp4")
	send(t, c, "last", local(t, c))
	want(t, c, "last")
}
