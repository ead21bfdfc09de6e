//go:build unix || windows

package portable

import (
	"errors"
	"net/netip"
	"os"
	"testing"
	"time"

	"example.com/dgram/internal/kernel"
)

// Some systems connect sockets in this package and not in the kernel. They are not
// at hand for every test run, so these tests do the same with sockets of the
// present system.

type first struct{ p *kernel.Packet }

func (f *first) Room() int { return 1 }
func (f *first) Deliver(b *kernel.Batch) {
	p := b.Packets[0]
	p.Data, _, _ = b.Slab.Copy(p.Data, 1)
	f.p = &p
}
func (f *first) Pending() bool { return false }
func (f *first) Wait() bool    { return false }
func (f *first) Idle() bool    { return false }

func openLoopback(t *testing.T, info kernel.Want) (*conn, netip.AddrPort) {
	t.Helper()
	made, err := System{}.Open(kernel.Config{Network: "udp4", Local: netip.MustParseAddrPort("127.0.0.1:0"), PacketInfo: info})
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { made.Close() })
	a, err := made.LocalAddr()
	if err != nil {
		t.Fatal(err)
	}
	return made.(*conn), a
}

func write(t *testing.T, c *conn, s string, to netip.AddrPort) {
	t.Helper()
	if err := c.Send(&kernel.Datagram{Data: []byte(s), To: to}, nil); err != nil {
		t.Fatal(err)
	}
}

func next(t *testing.T, c *conn) string {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	var f first
	if err := c.Receive(&f, true); err != nil {
		t.Fatal(err)
	}
	return string(f.p.Data)
}

func TestAPeerThatTheKernelDoesNotKnow(t *testing.T) {
	c, here := openLoopback(t, kernel.Off)
	peer, there := openLoopback(t, kernel.Off)
	other, _ := openLoopback(t, kernel.Off)
	c.peer.Store(&there)
	if a, err := c.RemoteAddr(); a != there || err != nil {
		t.Errorf("connected to %v, %v", a, err)
	}
	for range 2 {
		write(t, other, "other", here)
		write(t, peer, "peer", here)
	}
	if s := next(t, c); s != "peer" {
		t.Errorf("received %q", s)
	}
	b := make([]byte, 10)
	var p kernel.Packet
	if n, _, _, err := c.ReadMsg(b, nil, &p); string(b[:n]) != "peer" || p.From != there || err != nil {
		t.Errorf("read %q p.From %v, %v", b[:n], p.From, err)
	}
	write(t, c, "hello", netip.AddrPort{})
	if s := next(t, peer); s != "hello" {
		t.Errorf("the peer received %q", s)
	}
	if err := c.Disconnect(here); err != nil {
		t.Fatal(err)
	}
	write(t, other, "other", here)
	if s := next(t, c); s != "other" {
		t.Errorf("disconnected, received %q", s)
	}
}

func TestAGroupThatTheSystemWouldNotHave(t *testing.T) {
	c, here := openLoopback(t, kernel.On)
	other, _ := openLoopback(t, kernel.Off)
	c.group = here.Addr() // any address will do
	write(t, other, "1", here)
	if s := next(t, c); s != "1" {
		t.Errorf("received %q", s)
	}
	write(t, other, "2", here)
	b := make([]byte, 10)
	if n, oobn, _, err := c.ReadMsg(b, nil, new(kernel.Packet)); string(b[:n]) != "2" || oobn != 0 || err != nil {
		t.Errorf("read %q, %d bytes of control messages, %v", b[:n], oobn, err)
	}
	c.group = netip.MustParseAddr("239.7.7.7")
	write(t, other, "3", here)
	if err := c.SetReadDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if err := c.Receive(&first{}, true); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%v, want silence", err)
	}
}
