package netlab

import (
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/net/ipv4"
)

// RequireSource skips t if a socket on every interface cannot send from src, an
// IPv4 address. The loopback of some systems has no other address than 127.0.0.1,
// and gVisor ignores the source of a datagram.
func RequireSource(t testing.TB, src netip.Addr) {
	t.Helper()
	from, err := sentFrom(src)
	if err != nil {
		t.Skipf("no datagram can be sent from %v here: %v", src, err)
	}
	if from != src {
		t.Skipf("this system sends from %v what is to be sent from %v", from, src)
	}
}

// sentFrom sends a datagram from src and returns the source that arrives.
func sentFrom(src netip.Addr) (netip.Addr, error) {
	receiver, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return netip.Addr{}, err
	}
	defer receiver.Close()
	sender, err := net.ListenUDP("udp4", nil)
	if err != nil {
		return netip.Addr{}, err
	}
	defer sender.Close()
	source := &ipv4.ControlMessage{Src: src.AsSlice()}
	if _, err := ipv4.NewPacketConn(sender).WriteTo([]byte("x"), source, receiver.LocalAddr()); err != nil {
		return netip.Addr{}, err
	}
	return senderOf(receiver)
}

// senderOf returns the source of the next datagram.
func senderOf(receiver *net.UDPConn) (netip.Addr, error) {
	if err := receiver.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return netip.Addr{}, err
	}
	_, from, err := receiver.ReadFromUDPAddrPort(make([]byte, 1))
	return from.Addr().Unmap(), err
}

// RequireGroups skips t if datagrams that are sent to a group on an interface do
// not arrive there.
func RequireGroups(t testing.TB, ifi net.Interface) {
	t.Helper()
	group := &net.UDPAddr{IP: net.IPv4(239, 7, 7, 10)}
	member, err := net.ListenMulticastUDP("udp4", &ifi, group)
	if err != nil {
		t.Skipf("no group can be joined on %s: %v", ifi.Name, err)
	}
	defer member.Close()
	group.Port = member.LocalAddr().(*net.UDPAddr).Port
	sender, err := net.ListenUDP("udp4", nil)
	if err != nil {
		t.Skip(err)
	}
	defer sender.Close()
	on := &ipv4.ControlMessage{IfIndex: ifi.Index}
	if _, err := ipv4.NewPacketConn(sender).WriteTo([]byte("x"), on, group); err != nil {
		t.Skipf("nothing can be sent to a group on %s: %v", ifi.Name, err)
	}
	if err := member.SetReadDeadline(time.Now().Add(3 * time.Second)); err != nil {
		t.Skip(err)
	}
	if _, _, err := member.ReadFromUDPAddrPort(make([]byte, 1)); err != nil {
		t.Skipf("what is sent to a group on %s is not heard there: %v", ifi.Name, err)
	}
}

// RequireAddress skips t if no socket can be bound to addr and send from there. The
// loopback of some systems has no other address than 127.0.0.1, and Wine always
// binds to that one.
func RequireAddress(t testing.TB, addr netip.Addr) {
	t.Helper()
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(addr, 0)))
	if err != nil {
		t.Skipf("this system has no %v: %v", addr, err)
	}
	defer c.Close()
	receiver, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(loopback(addr), 0)))
	if err != nil {
		t.Skip(err)
	}
	defer receiver.Close()
	if _, err := c.WriteTo([]byte("x"), receiver.LocalAddr()); err != nil {
		t.Skipf("no datagram can be sent from %v here: %v", addr, err)
	}
	if from, err := senderOf(receiver); err != nil || from != addr {
		t.Skipf("this system sends from %v what a socket on %v sends (%v)", from, addr, err)
	}
}

func loopback(like netip.Addr) netip.Addr {
	if like.Is4() {
		return netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	return netip.IPv6Loopback()
}

// RequireBindingBeside skips t if no second socket can be bound to the address of one
// that was bound before it got SO_REUSEADDR (socket(7)), as on gVisor.
func RequireBindingBeside(t testing.TB) {
	t.Helper()
	if err := askBindingBeside(); err != nil {
		t.Skip(err)
	}
}

// RequireSourceChecks skips t if the system ignores the source of a datagram and
// sends from an address that it chooses.
func RequireSourceChecks(t testing.TB) {
	t.Helper()
	foreign := netip.AddrFrom4([4]byte{192, 0, 2, 77}) // TEST-NET-1, RFC 5737
	if from, err := sentFrom(foreign); err == nil {
		t.Skipf("this system sends from %v what is to be sent from %v, which is not its own", from, foreign)
	}
}

// RequireTOS skips t if the system ignores the type of service of one datagram, as
// gVisor does.
func RequireTOS(t testing.TB) {
	t.Helper()
	if err := askTOS(); err != nil {
		t.Skip(err)
	}
}

// RequireBursts skips t if the system has no UDP_SEGMENT (udp(7)).
func RequireBursts(t testing.TB) {
	t.Helper()
	if err := askBursts(); err != nil {
		t.Skip(fmt.Errorf("no UDP_SEGMENT: %w", err))
	}
}
