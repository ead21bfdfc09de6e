package interop

import (
	"bytes"
	"crypto/ecdh"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/netip"
	"testing"

	"golang.zx2c4.com/wireguard/conn"
	"golang.zx2c4.com/wireguard/device"
	"golang.zx2c4.com/wireguard/tun/tuntest"
)

// A tunnel is a device of wireguard-go and the packets that go in and come out.
type tunnel struct {
	tun    *tuntest.ChannelTUN
	device *device.Device
	key    *ecdh.PrivateKey
	port   uint16
	inside netip.Addr
}

func newTunnel(t testing.TB, b conn.Bind, inside string) *tunnel {
	t.Helper()
	tn := &tunnel{tun: tuntest.NewChannelTUN(), key: must[*ecdh.PrivateKey](t)(ecdh.X25519().GenerateKey(rand.Reader)), inside: netip.MustParseAddr(inside)}
	tn.device = device.NewDevice(tn.tun.TUN(), b, device.NewLogger(device.LogLevelSilent, ""))
	t.Cleanup(tn.device.Close)
	set(t, tn.device, "private_key=%x\nlisten_port=0\n", tn.key.Bytes())
	if err := tn.device.Up(); err != nil {
		t.Fatal(err)
	}
	text := must[string](t)(tn.device.IpcGet())
	for line := range bytes.Lines([]byte(text)) {
		_, _ = fmt.Sscanf(string(line), "listen_port=%d", &tn.port)
	}
	return tn
}

func set(t testing.TB, d *device.Device, format string, a ...any) {
	t.Helper()
	if err := d.IpcSet(fmt.Sprintf(format, a...)); err != nil {
		t.Fatal(err)
	}
}

// meets tells a tunnel of its peer.
func (tn *tunnel) meets(t testing.TB, peer *tunnel, at string) {
	t.Helper()
	set(t, tn.device, "public_key=%s\nendpoint=%s:%d\nallowed_ip=%s/32\n", hex.EncodeToString(peer.key.PublicKey().Bytes()), at, peer.port, peer.inside)
}

// pings sends a packet through the tunnel and waits until it comes out.
func (tn *tunnel) pings(t testing.TB, peer *tunnel) {
	t.Helper()
	packet := tuntest.Ping(peer.inside, tn.inside)
	tn.tun.Outbound <- packet
	if got := take(t, "the packet", peer.tun.Inbound); !bytes.Equal(got, packet) {
		t.Error("what came out is not what went in")
	}
}

// Two devices of wireguard-go talk, with dgram under one of them or under both.
func TestWireGuardRunsOnOurBind(t *testing.T) {
	binds := map[string]func() conn.Bind{"dgram": func() conn.Bind { return new(bind) }, "its own": conn.NewDefaultBind}
	for one, first := range binds {
		for other, second := range binds {
			t.Run(one+" and "+other, func(t *testing.T) {
				a, b := newTunnel(t, first(), "10.9.0.1"), newTunnel(t, second(), "10.9.0.2")
				a.meets(t, b, "127.0.0.1")
				b.meets(t, a, "127.0.0.1")
				for range 20 {
					a.pings(t, b)
					b.pings(t, a)
				}
			})
		}
	}
}

// BenchmarkWireGuard moves packets through a tunnel, on either bind.
func BenchmarkWireGuard(b *testing.B) {
	for name, make1 := range map[string]func() conn.Bind{"dgram": func() conn.Bind { return new(bind) }, "its own": conn.NewDefaultBind} {
		b.Run(name, func(b *testing.B) {
			one, two := newTunnel(b, make1(), "10.9.0.1"), newTunnel(b, make1(), "10.9.0.2")
			one.meets(b, two, "127.0.0.1")
			two.meets(b, one, "127.0.0.1")
			one.pings(b, two)
			packet := tuntest.Ping(two.inside, one.inside)
			b.SetBytes(int64(len(packet)))
			for b.Loop() {
				one.tun.Outbound <- packet
				<-two.tun.Inbound
			}
		})
	}
}
