package kerneltest

import (
	"errors"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"example.com/dgram/internal/kernel"
	"example.com/dgram/internal/netlab"
)

// A pair is two sockets and how the first reaches the second.
type pair struct {
	name      string
	network   string // of both
	host      string
	connected bool
}

var pairs = []pair{
	{"udp4", "udp4", "127.0.0.1", false},
	{"udp4 connected", "udp4", "127.0.0.1", true},
	{"udp6", "udp6", "::1", false},
	{"udp6 connected", "udp6", "::1", true},
	{"dual-stack to IPv4", "udp6", "127.0.0.1", false},
	{"dual-stack connected to IPv4", "udp6", "127.0.0.1", true},
}

// openPair opens the two sockets and returns the destination of the first.
func (s suite) openPair(t *testing.T, p pair, sender, receiver kernel.Config) (from, at kernel.Conn, to netip.AddrPort) {
	t.Helper()
	sender.Network, receiver.Network = p.network, p.network
	at = s.open(t, receiver)
	to = netip.AddrPortFrom(netip.MustParseAddr(p.host), Local(t, at).Port())
	if p.connected {
		sender.Remote = to
	}
	from = s.open(t, sender)
	if p.connected {
		to = netip.AddrPort{}
	}
	return from, at, to
}

// TestClassAndHopsArrive tests the class and hops that a socket was made with, and
// those set later.
func (s suite) TestClassAndHopsArrive(t *testing.T) {
	for _, p := range pairs {
		t.Run(p.name, func(t *testing.T) {
			if p.network == "udp6" && netlab.Swapped() {
				t.Skip("an emulator leaves the traffic class in the other byte order")
			}
			from, at, to := s.openPair(t, p, kernel.Config{TOS: 0x28, TTL: 33}, kernel.Config{ReceiveTOS: true, ReceiveTTL: true})
			send(t, from, "made so", to)
			if p := want(t, at, "made so"); p.TOS != 0x28 || p.TTL != 33 {
				t.Errorf("class %#x and %d hops, want 0x28 and 33", p.TOS, p.TTL)
			}
			Check(t, from.SetOption(kernel.TOS, 0xb8))
			Check(t, from.SetOption(kernel.TTL, 77))
			send(t, from, "set so", to)
			if p := want(t, at, "set so"); p.TOS != 0xb8 || p.TTL != 77 {
				t.Errorf("class %#x and %d hops, want 0xb8 and 77", p.TOS, p.TTL)
			}
		})
	}
}

// senders are the ways to send one datagram.
var senders = map[string]func(kernel.Conn, kernel.Datagram) error{
	"Send": func(c kernel.Conn, d kernel.Datagram) error { return c.Send(&d, nil) },
	"Send in parts": func(c kernel.Conn, d kernel.Datagram) error {
		d.More, d.Data = [][]byte{d.Data[1:]}, d.Data[:1]
		return c.Send(&d, nil)
	},
	"SendWait": func(c kernel.Conn, d kernel.Datagram) error { return c.SendWait(&d, nil, nil) },
	"SendBatch": func(c kernel.Conn, d kernel.Datagram) error {
		_, err := c.SendBatch([]kernel.Datagram{d})
		return err
	},
}

// The next datagram has those of the socket again.
func (s suite) TestADatagramHasItsOwnClassAndHops(t *testing.T) {
	netlab.RequireTOS(t)
	for _, p := range pairs {
		t.Run(p.name, func(t *testing.T) {
			if p.network == "udp6" && netlab.Swapped() {
				t.Skip("an emulator leaves the traffic class in the other byte order")
			}
			from, at, to := s.openPair(t, p, kernel.Config{TOS: 0x20, TTL: 44}, kernel.Config{ReceiveTOS: true, ReceiveTTL: true})
			for name, sends := range senders {
				for _, d := range []kernel.Datagram{
					{TOS: 0x2b, TTL: 5}, {TOS: 0xff}, {TTL: 255}, {}, {TOS: 1, TTL: 1, Interface: loopbackInterface(t).Index},
				} {
					d.Data, d.To = []byte("own"), to
					Check(t, sends(from, d))
					tos, ttl := d.TOS, d.TTL
					if tos == 0 {
						tos = 0x20
					}
					if ttl == 0 {
						ttl = 44
					}
					if p := want(t, at, "own"); p.TOS != tos || p.TTL != ttl {
						t.Errorf("%s of %#x and %d: class %#x and %d hops arrived", name, d.TOS, d.TTL, p.TOS, p.TTL)
					}
				}
			}
		})
	}
}

// The TTL of a datagram also applies to groups, for which the hops of the socket
// are another option.
func (s suite) TestAGroupsDatagramHasItsOwnHops(t *testing.T) {
	ifi := s.groupInterface(t)
	for network, group := range map[string]string{"udp4": "239.255.7.8", "udp6": "ff02::4249"} {
		t.Run(network, func(t *testing.T) {
			g := netip.MustParseAddr(group)
			member := s.open(t, kernel.Config{Network: network, ReceiveTTL: true})
			join(t, member, ifi, g)
			from := s.open(t, kernel.Config{Network: network})
			d := kernel.Datagram{Data: []byte("far"), To: netip.AddrPortFrom(g, Local(t, member).Port()), Interface: ifi.Index, TTL: 9}
			Check(t, from.Send(&d, nil))
			if p := want(t, member, "far"); p.TTL != 9 {
				t.Errorf("%d hops, want 9", p.TTL)
			}
		})
	}
}

// The datagrams of one burst have one class.
func (s suite) TestABatchKeepsClassesApart(t *testing.T) {
	netlab.RequireTOS(t)
	from, at, to := s.openPair(t, pairs[0], kernel.Config{}, kernel.Config{ReceiveTOS: true, ReceiveTTL: true})
	var ds []kernel.Datagram
	for i := range 12 {
		ds = append(ds, kernel.Datagram{Data: []byte{byte(i)}, To: to, TOS: uint8(i / 3 * 4), TTL: uint8(100 + i/4)})
	}
	n, err := from.SendBatch(ds)
	Check(t, err)
	if n != len(ds) {
		t.Fatalf("%d sent, want %d", n, len(ds))
	}
	for i, d := range ds {
		if p := want(t, at, string(d.Data)); p.TOS != d.TOS || p.TTL != d.TTL {
			t.Errorf("datagram %d: class %#x and %d hops, want %#x and %d", i, p.TOS, p.TTL, d.TOS, d.TTL)
		}
	}
}

// An impossible datagram is an error of every way to send, and not a panic, also
// where package udp did not check.
func (s suite) TestADatagramThatCannotBeIsAnError(t *testing.T) {
	v4, v6 := Addr("127.0.0.1:9"), Addr("[::1]:9")
	for name, tt := range map[string]struct {
		cfg  kernel.Config
		d    kernel.Datagram
		want error
	}{
		"IPv6 destination on udp4":      {kernel.Config{Network: "udp4"}, kernel.Datagram{To: v6}, syscall.EAFNOSUPPORT},
		"IPv6 source on udp4":           {kernel.Config{Network: "udp4"}, kernel.Datagram{To: v4, From: v6.Addr()}, syscall.EAFNOSUPPORT},
		"IPv4 source for IPv6":          {kernel.Config{Network: "udp6"}, kernel.Datagram{To: v6, From: v4.Addr()}, syscall.EAFNOSUPPORT},
		"IPv6 source for IPv4":          {kernel.Config{Network: "udp6"}, kernel.Datagram{To: v4, From: v6.Addr()}, syscall.EAFNOSUPPORT},
		"IPv6 source for an IPv4 peer":  {kernel.Config{Network: "udp6", Remote: v4}, kernel.Datagram{From: v6.Addr()}, syscall.EAFNOSUPPORT},
		"negative interface":            {kernel.Config{Network: "udp4"}, kernel.Datagram{To: v4, Interface: -1}, syscall.EINVAL},
		"negative interface over IPv6":  {kernel.Config{Network: "udp6"}, kernel.Datagram{To: v6, Interface: -1}, syscall.EINVAL},
		"unknown zone":                  {kernel.Config{Network: "udp6"}, kernel.Datagram{To: Addr("[fe80::1%nosuch0]:9")}, syscall.ENODEV},
		"no destination, never a peer":  {kernel.Config{Network: "udp4"}, kernel.Datagram{}, nil},
		"IPv4 destination on IPv6 only": {kernel.Config{Network: "udp6", IPv6Only: true}, kernel.Datagram{To: v4}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			c := s.open(t, tt.cfg)
			tt.d.Data = []byte("never")
			for way, sends := range senders {
				err := sends(c, tt.d)
				switch {
				case errors.Is(err, errors.ErrUnsupported):
				case err == nil, tt.want != nil && !errors.Is(err, tt.want):
					t.Errorf("%s: %v, want %v", way, err, tt.want)
				}
			}
			if tt.d.To.IsValid() {
				if err := c.SendTo(tt.d.Data, tt.d.To); err == nil && tt.want == syscall.EAFNOSUPPORT && !tt.d.From.IsValid() {
					t.Error("SendTo: no error")
				}
			}
			if err := c.Connect(Addr("[::1]:9")); tt.cfg.Network == "udp4" && err == nil {
				t.Error("Connect of udp4 to IPv6: no error")
			}
			Check(t, c.SetReadDeadline(time.Unix(1, 0)))
		})
	}
}
