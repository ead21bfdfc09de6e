package udp_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"testing"

	"example.com/dgram/udp"
)

// A way is a way to send parts as one datagram.
type way struct {
	name      string
	connected bool
	send      func(ctx context.Context, s *udp.Socket, to netip.AddrPort, parts ...[]byte) error
}

func ways() []way {
	return []way{
		{"Send", true, func(ctx context.Context, s *udp.Socket, _ netip.AddrPort, parts ...[]byte) error {
			return s.Send(ctx, parts...)
		}},
		{"SendTo", false, func(ctx context.Context, s *udp.Socket, to netip.AddrPort, parts ...[]byte) error {
			return s.SendTo(ctx, to, parts...)
		}},
		{"SendToHost", false, func(ctx context.Context, s *udp.Socket, to netip.AddrPort, parts ...[]byte) error {
			return s.SendToHost(ctx, to.String(), parts...)
		}},
		{"SendToHost without host", false, func(ctx context.Context, s *udp.Socket, to netip.AddrPort, parts ...[]byte) error {
			return s.SendToHost(ctx, fmt.Sprint(":", to.Port()), parts...)
		}},
		{"SendToHost by name", false, func(ctx context.Context, s *udp.Socket, to netip.AddrPort, parts ...[]byte) error {
			return s.SendToHost(ctx, fmt.Sprint("peer:", to.Port()), parts...)
		}},
		{"Reply", false, func(ctx context.Context, s *udp.Socket, to netip.AddrPort, parts ...[]byte) error {
			return s.Reply(ctx, udp.Message{From: to}, parts...)
		}},
		{"Reply, connected", true, func(ctx context.Context, s *udp.Socket, to netip.AddrPort, parts ...[]byte) error {
			return s.Reply(ctx, udp.Message{From: to}, parts...)
		}},
	}
}

// everyWay runs a test for each way of sending and each family, with a socket
// and a peer.
func everyWay(t *testing.T, f func(t *testing.T, s *udp.Socket, peer *net.UDPConn, send func(parts ...[]byte) error)) {
	each(t, func(t *testing.T, fam family) {
		for _, w := range ways() {
			t.Run(w.name, func(t *testing.T) {
				peer := std(t, fam)
				s := open(t, fam.network, udp.WithLookup(looked("peer", fam.loopback).lookup))
				if w.connected {
					ok(t, s.Connect(t.Context(), of(peer).String()))
				}
				f(t, s, peer, func(parts ...[]byte) error { return w.send(t.Context(), s, of(peer), parts...) })
			})
		}
	})
}

// sendingTo are the calls that send one datagram to an address. Its error is that of the
// call, or what is on Errors.
var sendingTo = map[string]func(ctx context.Context, s *udp.Socket, to netip.AddrPort, data []byte) error{
	"SendTo": func(ctx context.Context, s *udp.Socket, to netip.AddrPort, data []byte) error {
		return s.SendTo(ctx, to, data)
	},
	"SendToHost": func(ctx context.Context, s *udp.Socket, to netip.AddrPort, data []byte) error {
		return s.SendToHost(ctx, to.String(), data)
	},
	"Reply": func(ctx context.Context, s *udp.Socket, to netip.AddrPort, data []byte) error {
		return s.Reply(ctx, udp.Message{From: to}, data)
	},
	"SendBatch": func(ctx context.Context, s *udp.Socket, to netip.AddrPort, data []byte) error {
		_, err := s.SendBatch(ctx, []udp.Datagram{{To: to, Data: data}})
		return err
	},
	"Outbox": func(ctx context.Context, s *udp.Socket, to netip.AddrPort, data []byte) error {
		s.Outbox() <- udp.Datagram{To: to, Data: data}
		if err := s.Flush(ctx); err != nil || len(s.Errors()) == 0 {
			return err
		}
		return <-s.Errors()
	},
}
