//go:build !dgram_portable

package pages_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"example.com/dgram/udp"
)

// What package net does, and what dgram does in its place: a test for each fact
// of the README's section about net.UDPConn, with both side by side.

func TestReplyLeavesFromTheAddressThatWasAsked(t *testing.T) {
	client := netSocket(t, "udp4", "127.0.0.1:0")
	asked := netip.MustParseAddr("127.0.0.2")

	theirs := netSocket(t, "udp4", "0.0.0.0:0")
	netSend(t, client, netip.AddrPortFrom(asked, netLocal(theirs).Port()), "hello")
	_, from := netReceive(t, theirs)
	netSend(t, theirs, from, "hello yourself")
	if _, from := netReceive(t, client); from.Addr() == asked {
		t.Errorf("net answers from %v: the README is out of date", from)
	}

	ours := listen(t, "udp4", "0.0.0.0:0")
	netSend(t, client, netip.AddrPortFrom(asked, local(t, ours).Port()), "hello")
	if err := ours.Reply(t.Context(), receive(t, ours), []byte("hello yourself")); err != nil {
		t.Fatal(err)
	}
	if _, from := netReceive(t, client); from.Addr() != asked {
		t.Errorf("dgram answers from %v, want %v", from, asked)
	}
}

func TestRefusalCostsNoDatagram(t *testing.T) {
	closed := func() netip.AddrPort {
		s := netSocket(t, "udp4", "127.0.0.1:0")
		defer s.Close()
		return netLocal(s)
	}

	peer := closed()
	theirs, err := net.Dial("udp4", peer.String())
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Close()
	theirs.Write([]byte("to nobody")) // nobody is there, and the kernel hears of it
	netSocket(t, "udp4", peer.String())
	if _, err := theirs.Write([]byte("to somebody")); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("net's next write is %v: the README is out of date", err)
	}

	peer = closed()
	ours, err := udp.Dial(t.Context(), "udp4", peer.String())
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	if err := ours.Send(t.Context(), []byte("to nobody")); err != nil {
		t.Fatal(err)
	}
	server := netSocket(t, "udp4", peer.String())
	if err := ours.Send(t.Context(), []byte("to somebody")); err != nil {
		t.Fatal(err)
	}
	if text, _ := netReceive(t, server); text != "to somebody" {
		t.Errorf("received %q", text)
	}
	select {
	case err := <-ours.Errors():
		if !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("Errors says %v", err)
		}
	case <-time.After(5 * time.Second):
		t.Error("Errors is silent about the refusal")
	}
}

func TestLossIsCounted(t *testing.T) {
	const sent = 1000
	s := listen(t, "udp4", "127.0.0.1:0", udp.WithReadBuffer(4096), udp.WithOffload(false))
	from := netSocket(t, "udp4", "127.0.0.1:0")
	for range sent {
		netSend(t, from, local(t, s), "hello")
	}
	s.Messages()
	s.Close()
	for range s.Messages() { // what was received can still be received
	}
	st := s.Stats()
	if st.DroppedKernel == 0 {
		t.Error("a buffer of 4096 bytes held everything")
	}
	if n := st.Received + st.DroppedKernel + st.DroppedClosed; n != sent {
		t.Errorf("%d datagrams sent, %d accounted for: %+v", sent, n, st)
	}
}

func TestManyDatagramsComeWithOneCall(t *testing.T) {
	const sent = 160
	s := listen(t, "udp4", "127.0.0.1:0")
	from := netSocket(t, "udp4", "127.0.0.1:0")
	for range sent {
		netSend(t, from, local(t, s), "hello")
	}
	n := 0
	for _, err := range s.All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n == sent {
			break
		}
	}
	if st := s.Stats(); st.ReadCalls > sent/8 {
		t.Errorf("%d datagrams took %d calls", st.Received, st.ReadCalls)
	}
}

func TestBroadcastIsOffUntilAskedFor(t *testing.T) {
	if on := option(t, netSocket(t, "udp4", "127.0.0.1:0"), unix.SOL_SOCKET, unix.SO_BROADCAST); on == 0 {
		t.Error("net leaves SO_BROADCAST off: the README is out of date")
	}
	s := listen(t, "udp4", "127.0.0.1:0")
	if on := option(t, s, unix.SOL_SOCKET, unix.SO_BROADCAST); on != 0 {
		t.Error("SO_BROADCAST is on")
	}
	if err := s.SendTo(t.Context(), netip.MustParseAddrPort("127.255.255.255:9")); !errors.Is(err, syscall.EACCES) {
		t.Errorf("sending to a broadcast address is %v", err)
	}
}

func TestGroupIsAnAddressToBindTo(t *testing.T) {
	group := netip.MustParseAddr("239.7.8.9")
	theirs := netSocket(t, "udp4", "239.7.8.9:0")
	if bound(t, theirs) == group {
		t.Error("net binds to the group: the README is out of date")
	}
	if a := bound(t, listen(t, "udp4", "239.7.8.9:0")); a != group {
		t.Errorf("bound to %v, want %v", a, group)
	}
}

func TestOtherSocketsGroupsAreNotHeard(t *testing.T) {
	if all := option(t, netSocket(t, "udp4", "0.0.0.0:0"), unix.IPPROTO_IP, unix.IP_MULTICAST_ALL); all == 0 {
		t.Error("net turns IP_MULTICAST_ALL off: the README is out of date")
	}
	if all := option(t, listen(t, "udp4", "0.0.0.0:0"), unix.IPPROTO_IP, unix.IP_MULTICAST_ALL); all != 0 {
		t.Error("IP_MULTICAST_ALL is on")
	}
}

func TestUnknownZoneIsAnError(t *testing.T) {
	theirs := netSocket(t, "udp6", "[::1]:0")
	to := netip.AddrPortFrom(netip.MustParseAddr("::1%no-such-interface"), netLocal(theirs).Port())
	if _, err := theirs.WriteToUDPAddrPort([]byte("hello"), to); err != nil {
		t.Errorf("net refuses the zone, %v: the README is out of date", err)
	}
	s := listen(t, "udp6", "[::1]:0")
	if err := s.SendTo(t.Context(), to, []byte("hello")); !errors.Is(err, syscall.ENODEV) {
		t.Errorf("an unknown zone is %v", err)
	}
}

func TestIPv4IsIPv4OnEverySocket(t *testing.T) {
	client := netSocket(t, "udp4", "127.0.0.1:0")

	theirs := netSocket(t, "udp", "[::]:0")
	netSend(t, client, netip.AddrPortFrom(netLocal(client).Addr(), netLocal(theirs).Port()), "hello")
	if _, from := netReceive(t, theirs); !from.Addr().Is4In6() {
		t.Errorf("net says %v: the README is out of date", from)
	}

	ours := listen(t, "udp", "[::]:0")
	netSend(t, client, netip.AddrPortFrom(netLocal(client).Addr(), local(t, ours).Port()), "hello")
	if m := receive(t, ours); m.From != netLocal(client) {
		t.Errorf("from %v, want %v", m.From, netLocal(client))
	}
}

func TestWhatIsCutOffIsSaidToBe(t *testing.T) {
	client := netSocket(t, "udp4", "127.0.0.1:0")

	theirs := netSocket(t, "udp4", "127.0.0.1:0")
	netSend(t, client, netLocal(theirs), "hello, world")
	if n, _, err := theirs.ReadFrom(make([]byte, 5)); n != 5 || err != nil {
		t.Errorf("net says %d, %v: the README is out of date", n, err)
	}

	ours := listen(t, "udp4", "127.0.0.1:0", udp.WithMaxDatagram(5))
	netSend(t, client, local(t, ours), "hello, world")
	if m := receive(t, ours); !m.Truncated || string(m.Data) != "hello" {
		t.Errorf("received %q, truncated: %t", m.Data, m.Truncated)
	}
}

func TestReadBufferIsWhatTheKernelGranted(t *testing.T) {
	const wanted = 1 << 30
	theirs := netSocket(t, "udp4", "127.0.0.1:0")
	if err := theirs.SetReadBuffer(wanted); err != nil {
		t.Errorf("net says %v: the README is out of date", err)
	}
	ours := listen(t, "udp4", "127.0.0.1:0", udp.WithReadBuffer(wanted))
	granted, err := ours.ReadBuffer()
	if err != nil {
		t.Fatal(err)
	}
	if doubled := option(t, ours, unix.SOL_SOCKET, unix.SO_RCVBUF); granted != doubled/2 {
		t.Errorf("ReadBuffer is %d, the kernel granted %d", granted, doubled/2)
	}
}

func TestBoundSocketConnectsAndDisconnects(t *testing.T) {
	s := listen(t, "udp4", "127.0.0.1:0")
	before := local(t, s)
	peer := netSocket(t, "udp4", "127.0.0.1:0")
	if err := s.Connect(t.Context(), netLocal(peer).String()); err != nil {
		t.Fatal(err)
	}
	if err := s.Send(t.Context(), []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if _, from := netReceive(t, peer); from != before {
		t.Errorf("connected, it sends from %v, want %v", from, before)
	}
	if err := s.Disconnect(); err != nil {
		t.Fatal(err)
	}
	if after := local(t, s); after != before {
		t.Errorf("disconnected, it is at %v, want %v", after, before)
	}
}

// ---- sockets of dgram's -------------------------------------------------------

func listen(t *testing.T, network, address string, opts ...udp.Option) *udp.Socket {
	t.Helper()
	s, err := udp.Listen(context.Background(), network, address, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func local(t *testing.T, s *udp.Socket) netip.AddrPort {
	t.Helper()
	a := s.LocalAddr()
	return a
}

func receive(t *testing.T, s *udp.Socket) udp.Message {
	t.Helper()
	select {
	case m, ok := <-s.Messages():
		if !ok {
			t.Fatalf("the socket has ended: %v", s.Err())
		}
		return m
	case <-time.After(5 * time.Second):
		t.Fatal("nothing arrived")
	}
	panic("not reached")
}

// ---- sockets of net's -----------------------------------------------------------

func netSocket(t *testing.T, network, address string) *net.UDPConn {
	t.Helper()
	c, err := net.ListenPacket(network, address)
	if err != nil {
		if network == "udp4" {
			t.Fatal(err)
		}
		t.Skipf("no IPv6: %v", err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(5 * time.Second))
	return c.(*net.UDPConn)
}

func netLocal(c *net.UDPConn) netip.AddrPort {
	return c.LocalAddr().(*net.UDPAddr).AddrPort()
}

func netSend(t *testing.T, c *net.UDPConn, to netip.AddrPort, text string) {
	t.Helper()
	if _, err := c.WriteToUDPAddrPort([]byte(text), to); err != nil {
		t.Fatal(err)
	}
}

func netReceive(t *testing.T, c *net.UDPConn) (string, netip.AddrPort) {
	t.Helper()
	b := make([]byte, 64)
	n, from, err := c.ReadFromUDPAddrPort(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(b[:n]), from
}

// ---- what the kernel says ---------------------------------------------------------

func control(t *testing.T, c syscall.Conn, f func(fd int) error) {
	t.Helper()
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if gone := raw.Control(func(fd uintptr) { err = f(int(fd)) }); gone != nil || err != nil {
		t.Fatal(errors.Join(gone, err))
	}
}

func option(t *testing.T, c syscall.Conn, level, name int) (value int) {
	t.Helper()
	control(t, c, func(fd int) (err error) {
		value, err = unix.GetsockoptInt(fd, level, name)
		return err
	})
	return value
}

func bound(t *testing.T, c syscall.Conn) (a netip.Addr) {
	t.Helper()
	control(t, c, func(fd int) error {
		sa, err := unix.Getsockname(fd)
		if sa, ok := sa.(*unix.SockaddrInet4); ok {
			a = netip.AddrFrom4(sa.Addr)
			return nil
		}
		return errors.Join(err, fmt.Errorf("not IPv4: %T", sa))
	})
	return a
}
