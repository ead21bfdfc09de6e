package udp_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.com/dgram/udp"
	"golang.org/x/net/ipv4"
)

// TestViewErrorsAreThoseOfNet compares errors field by field.
func TestViewErrorsAreThoseOfNet(t *testing.T) {
	type conns struct{ free, connected udpConn }
	for _, f := range families() {
		unknown := unknownPeer(t, f)
		peer := std(t, f)
		make4 := func(name string) conns { return conns{makers[name].listen(t, f), makers[name].dial(t, f, of(peer))} }
		theirs, ours := make4("net"), make4("dgram")
		past, b := time.Unix(1, 0), make([]byte, 1)
		closed := func(c udpConn) udpConn { c.Close(); return c }
		for name, act := range map[string]func(c conns) error{
			"1 deadline of ReadFrom":       func(c conns) error { c.free.SetReadDeadline(past); _, _, err := c.free.ReadFrom(b); return err },
			"1 deadline of Read connected": func(c conns) error { c.connected.SetReadDeadline(past); _, err := c.connected.Read(b); return err },
			"2 too long":                   func(c conns) error { _, err := c.free.WriteTo(make([]byte, 70000), peer.LocalAddr()); return err },
			"2 WriteTo connected":          func(c conns) error { _, err := c.connected.WriteTo(b, peer.LocalAddr()); return err },
			"2 WriteMsg connected":         func(c conns) error { _, _, err := c.connected.WriteMsgUDP(b, nil, of2(peer)); return err },
			"2 WriteTo another type": func(c conns) error {
				_, err := c.free.WriteTo(b, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9})
				return err
			},
			"3 close twice":            func(c conns) error { return closed(c.free).Close() },
			"3 close twice connected":  func(c conns) error { return closed(c.connected).Close() },
			"4 read closed":            func(c conns) error { _, _, err := closed(c.free).ReadFrom(b); return err },
			"4 write closed connected": func(c conns) error { _, err := closed(c.connected).Write(b); return err },
			"4 set closed":             func(c conns) error { return closed(c.free).SetDeadline(past) },
		} {
			t.Run(f.network+"/"+name[2:], func(t *testing.T) {
				if unknown != "" && strings.Contains(name, "connected") {
					t.Skip(unknown) // the local address stays the wildcard
				}
				if strings.Contains(name, "too long") {
					netHasErrnos(t, f)
				}
				theirs, ours := theirs, ours
				if name[0] > '2' {
					theirs, ours = make4("net"), make4("dgram")
				}
				want, got := shapeOf(t, act(theirs)), shapeOf(t, act(ours))
				same(t, "shape", got, want)
			})
		}
	}
}

func of2(c *net.UDPConn) *net.UDPAddr { return c.LocalAddr().(*net.UDPAddr) }

// shapeOf describes an error without the ports that differ.
func shapeOf(t *testing.T, err error) string {
	t.Helper()
	e, is := errors.AsType[*net.OpError](err)
	if !is {
		t.Fatalf("%T: %v", err, err)
	}
	addr := func(a net.Addr) string {
		if u, is := a.(*net.UDPAddr); is && u != nil {
			return u.IP.String()
		}
		return fmt.Sprintf("%T", a)
	}
	call := ""
	if s, is := e.Err.(*os.SyscallError); is {
		call = s.Syscall
	}
	return fmt.Sprintf("%s %s %s->%s call %q timeout %v closed %v connected %v too long %v", e.Op, e.Net, addr(e.Source), addr(e.Addr), call,
		e.Timeout(), errors.Is(err, net.ErrClosed), errors.Is(err, net.ErrWriteToConnected), errors.Is(err, syscall.EMSGSIZE))
}

type elsewhere struct{}

func (elsewhere) Network() string { return "elsewhere" }
func (elsewhere) String() string  { return "nowhere" }

func TestBadDestinationsAreRefused(t *testing.T) {
	v := listen(t, "udp4", "127.0.0.1:0").PacketConn()
	loopback := net.IPv4(127, 0, 0, 1)
	for _, c := range []struct {
		to   net.Addr
		want error
	}{
		{nil, syscall.EINVAL},
		{elsewhere{}, syscall.EINVAL},
		{&net.TCPAddr{IP: loopback, Port: 9}, syscall.EINVAL},
		{(*net.UDPAddr)(nil), udp.ErrAddressFamily},
		{&net.UDPAddr{IP: loopback, Port: 0}, udp.ErrBadPort},
		{&net.UDPAddr{IP: loopback, Port: -1}, udp.ErrBadPort},
		{&net.UDPAddr{IP: loopback, Port: 65536 + 53}, udp.ErrBadPort},
		{&net.UDPAddr{IP: net.IP{1, 2, 3}, Port: 53}, udp.ErrAddressFamily},
		{&net.UDPAddr{IP: net.IPv6loopback, Port: 53}, udp.ErrAddressFamily},
	} {
		_, err := v.WriteTo([]byte("lost"), c.to)
		fails(t, err, c.want)
		shaped(t, err, "write", "")
	}
}

// A wrong call is the caller's to know: the socket lives on.
func TestAWrongReadDoesNotEndTheSocket(t *testing.T) {
	s := listen(t, "udp4", "127.0.0.1:0")
	send(t, s, at(t, s), "alive")
	ms := []ipv4.Message{{Buffers: [][]byte{make([]byte, 64)}}}
	const nobodys = -1 << 31 // a flag that belongs to the kernel (Linux: MSG_CMSG_COMPAT)
	if _, err := s.PacketConn().ReadBatch(ms, nobodys); err == nil {
		t.Skip("the system does not mind")
	}
	n, err := s.PacketConn().ReadBatch(ms, 0)
	ok(t, err)
	same(t, "messages", n, 1)
	ok(t, s.Err())
}
