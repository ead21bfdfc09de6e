package udp_test

import (
	"context"
	"net/netip"
	"slices"
	"testing"

	"example.com/dgram/udp"
)

// A socket that was connected, and disconnected while eight goroutines send, and one that
// never was, hear the same senders at the same port.
func TestADisconnectedSocketHearsAllThatItHeardBefore(t *testing.T) {
	h := icmpHost(t)
	var senders []*udp.Socket
	for _, a := range []string{"127.0.0.1", "127.0.0.2", "127.0.0.3", "::1", "fd00::1", "fd00::2"} {
		a := netip.MustParseAddr(a)
		network := "udp6"
		if a.Is4() {
			network = "udp4"
		}
		senders = append(senders, listenOn(t, h, network, netip.AddrPortFrom(a, 0).String()))
	}
	for name, c := range map[string]struct {
		network string
		opts    []udp.Option
	}{"udp4": {"udp4", nil}, "dual-stack": {"udp6", nil}, "IPv6 only": {"udp6", []udp.Option{udp.WithIPv6Only()}}} {
		t.Run(name, func(t *testing.T) {
			never := listenOn(t, h, c.network, ":0", c.opts...)
			want := heardBy(t, never, senders)
			if len(want) < 3 {
				t.Fatalf("only %v are heard", want)
			}
			for _, peer := range senders {
				if !slices.Contains(want, peer.LocalAddr()) {
					continue
				}
				was := listenOn(t, h, c.network, ":0", c.opts...)
				before := was.LocalAddr()
				for range 3 {
					stop, cancel := context.WithCancel(t.Context())
					sending := begin(func() {
						concurrently(8, func(int) {
							for stop.Err() == nil {
								_ = was.Send(stop, []byte("x"))
								_ = was.SendTo(stop, peer.LocalAddr(), []byte("x"))
							}
						})
					})
					ok(t, was.Connect(t.Context(), peer.LocalAddr().String()))
					ok(t, was.Disconnect())
					cancel()
					ended(t, "the senders", sending)
				}
				same(t, "address", was.LocalAddr(), before)
				if got := heardBy(t, was, senders); !slices.Equal(got, want) {
					t.Errorf("after a peer at %v %v are heard, and %v by one that never had a peer", peer.LocalAddr(), got, want)
				}
			}
		})
	}
}

// heardBy returns which of the senders the socket hears.
func heardBy(t *testing.T, s *udp.Socket, senders []*udp.Socket) (heard []netip.AddrPort) {
	t.Helper()
	say := func(from *udp.Socket, what string) bool {
		return from.SendTo(t.Context(), netip.AddrPortFrom(from.LocalAddr().Addr(), s.LocalAddr().Port()), []byte(what)) == nil
	}
	for _, from := range senders {
		say(from, "hello")
	}
	last := senders[0]
	if s.LocalAddr().Addr().Is6() {
		last = senders[len(senders)-1]
	}
	if !say(last, "last") {
		t.Fatal("nothing can be sent")
	}
	eventually(t, "the last datagram", func() bool {
		m, got := s.TryReceive()
		if got && string(m.Data) == "hello" {
			heard = append(heard, m.From)
		}
		return got && string(m.Data) == "last"
	})
	return heard
}
