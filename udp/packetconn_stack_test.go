package udp_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/ipv4"

	"example.com/dgram/internal/netlab"
	"example.com/dgram/udp"
)

// What stacks find out about a connection by asking for its methods.
type wholeConn interface {
	net.PacketConn
	net.Conn
	SyscallConn() (syscall.RawConn, error)
	SetReadBuffer(bytes int) error
	SetWriteBuffer(bytes int) error
	ReadFromUDP(b []byte) (int, *net.UDPAddr, error)
	ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error)
	ReadFromAddrPort(b []byte) (int, netip.AddrPort, error)
	ReadMsgUDP(b, oob []byte) (n, oobn, flags int, addr *net.UDPAddr, err error)
	ReadMsgUDPAddrPort(b, oob []byte) (n, oobn, flags int, addr netip.AddrPort, err error)
	ReadBatch(ms []ipv4.Message, flags int) (int, error)
	WriteToUDP(b []byte, addr *net.UDPAddr) (int, error)
	WriteToUDPAddrPort(b []byte, addr netip.AddrPort) (int, error)
	WriteToAddrPort(b []byte, addr netip.AddrPort) (int, error)
	WriteMsgUDP(b, oob []byte, addr *net.UDPAddr) (n, oobn int, err error)
	WriteMsgUDPAddrPort(b, oob []byte, addr netip.AddrPort) (n, oobn int, err error)
}

// whole is the view of a socket that is closed when the test ends.
func whole(t testing.TB, network, address string, opts ...udp.Option) (*udp.Socket, wholeConn) {
	t.Helper()
	s, err := udp.Listen(context.Background(), network, address, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	var v wholeConn = s.PacketConn()
	if err := v.SetDeadline(time.Now().Add(soon)); err != nil {
		t.Fatal(err)
	}
	return s, v
}

func TestASocketHasOneView(t *testing.T) {
	s, v := whole(t, "udp4", "127.0.0.1:0")
	if s.PacketConn() != v {
		t.Error("the second is another")
	}
	if err := s.PacketConn().SetReadDeadline(time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	var timeout net.Error
	if _, _, err := v.ReadFrom(make([]byte, 9)); !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("%v, want the other's deadline", err)
	}
}

// A caller knows its buffers by their place, also where a datagram between them
// was not let in.
func TestReadBatchLeavesBuffersWhereTheyAre(t *testing.T) {
	list := netip.MustParsePrefix("127.0.0.99/32")
	netlab.RequireAddress(t, list.Addr())
	s, v := whole(t, "udp4", "127.0.0.1:0", udp.WithReceiveBlockList(list))
	_, good := whole(t, "udp4", "127.0.0.1:0")
	_, bad := whole(t, "udp4", "127.0.0.99:0")
	want := []string{"first", "second, in two buffers", "third"}
	for _, d := range []struct {
		from wholeConn
		text string
	}{{bad, "no"}, {good, want[0]}, {bad, "not this one"}, {bad, "nor this"}, {good, want[1]}, {good, want[2]}} {
		if _, err := d.from.WriteTo([]byte(d.text), v.LocalAddr()); err != nil {
			t.Fatal(err)
		}
	}
	ms := make([]ipv4.Message, 8)
	var first []*byte
	for i := range ms {
		ms[i].Buffers = [][]byte{make([]byte, 8), make([]byte, 64)}
		first = append(first, &ms[i].Buffers[0][0])
	}
	var got []string
	for len(got) < len(want) { // elsewhere than on Linux one by one
		n, err := v.ReadBatch(ms[len(got):], 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range ms[len(got):][:n] {
			if &m.Buffers[0][0] != first[len(got)] {
				t.Errorf("message %d has another's buffer", len(got))
			}
			if m.Addr.String() != good.LocalAddr().String() {
				t.Errorf("message %d is from %v, want %v", len(got), m.Addr, good.LocalAddr())
			}
			got = append(got, string(slices.Concat(m.Buffers...)[:m.N]))
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if st := s.Stats(); st.Received != 3 || st.DroppedBlocked != 3 {
		t.Errorf("%d received, %d kept out, want 3 and 3", st.Received, st.DroppedBlocked)
	}
}

func TestWhatIsCutOffIsMarkedAndCounted(t *testing.T) {
	s, v := whole(t, "udp4", "127.0.0.1:0", udp.WithMaxDatagram(4))
	const cut = 5
	for range cut + 1 {
		if _, err := v.WriteTo([]byte("datagram"), v.LocalAddr()); err != nil {
			t.Fatal(err)
		}
	}
	_, _, whole, _, _ := v.ReadMsgUDP(make([]byte, 0), nil)
	n, _, flags, _, err := v.ReadMsgUDP(make([]byte, 64), nil)
	if n != 4 || flags == 0 || flags != whole || err != nil {
		t.Errorf("%d bytes, flags %#x, %v; want 4 and %#x", n, flags, err, whole)
	}
	ms := make([]ipv4.Message, cut-1)
	for i := range ms {
		ms[i].Buffers = [][]byte{make([]byte, 64)}
	}
	for got := 0; got < len(ms); {
		n, err := v.ReadBatch(ms[got:], 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range ms[got : got+n] {
			if m.N != 4 || m.Flags == 0 {
				t.Errorf("%d bytes, flags %#x", m.N, m.Flags)
			}
		}
		got += n
	}
	if st := s.Stats(); st.Truncated != cut+1 || st.Received != cut+1 {
		t.Errorf("%d received, %d cut off, want %d of each", st.Received, st.Truncated, cut+1)
	}
}

func TestAnAddressWithoutIPIsThisHost(t *testing.T) {
	each(t, func(t *testing.T, f family) {
		_, v := whole(t, f.network, f.local())
		to := &net.UDPAddr{Port: v.LocalAddr().(*net.UDPAddr).Port}
		if _, err := v.WriteTo([]byte("here"), to); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 9)
		if n, from, err := v.ReadFrom(b); err != nil || string(b[:n]) != "here" || from.String() != v.LocalAddr().String() {
			t.Errorf("%q from %v, %v", b[:n], from, err)
		}
	})
}

type elsewhere struct{}

func (elsewhere) Network() string { return "elsewhere" }
func (elsewhere) String() string  { return "nowhere" }

func TestBadDestinationsAreRefused(t *testing.T) {
	_, v := whole(t, "udp4", "127.0.0.1:0")
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
		var op *net.OpError
		if n, err := v.WriteTo([]byte("lost"), c.to); n != 0 || !errors.Is(err, c.want) || !errors.As(err, &op) {
			t.Errorf("to %v: %d, %v, want %v", c.to, n, err, c.want)
		}
	}
}

func TestReadTakesNoDatagramForNoBuffer(t *testing.T) {
	_, v := whole(t, "udp4", "127.0.0.1:0")
	if n, err := v.Read(nil); n != 0 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	if _, err := v.WriteTo([]byte("still there"), v.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	if n, err := v.Read([]byte{}); n != 0 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	b := make([]byte, 64)
	if n, err := v.Read(b); err != nil || string(b[:n]) != "still there" {
		t.Errorf("%q, %v", b[:n], err)
	}
}

// A wrong call is the caller's to know: the socket lives on.
func TestAWrongReadDoesNotEndTheSocket(t *testing.T) {
	s, v := whole(t, "udp4", "127.0.0.1:0")
	if _, err := v.WriteTo([]byte("alive"), v.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	ms := []ipv4.Message{{Buffers: [][]byte{make([]byte, 64)}}}
	const nobodys = -1 << 31 // a flag that belongs to the kernel (Linux: MSG_CMSG_COMPAT)
	if _, err := v.ReadBatch(ms, nobodys); err == nil {
		t.Skip("the system does not mind")
	}
	if n, err := v.ReadBatch(ms, 0); n != 1 || err != nil || s.Err() != nil {
		t.Errorf("%d, %v; the socket has ended with %v", n, err, s.Err())
	}
}
