package udp_test

import (
	"net/netip"
	"testing"

	"example.com/dgram/internal/netlab"
	"example.com/dgram/udp"
)

// A reply goes by what is in the message alone: one that was received, kept, cloned or
// made by hand is answered the same way, also where no reply can leave from its To.
func TestReplyGoesByTheMessageAlone(t *testing.T) {
	f := families()[0]
	for _, to := range []string{"127.0.0.1", "127.0.0.2", "127.255.255.255"} { // one's own, another, broadcast
		t.Run(to, func(t *testing.T) {
			if to == "127.0.0.2" {
				netlab.RequireSource(t, netip.MustParseAddr(to))
			}
			s := listen(t, f.network, "0.0.0.0:0", udp.WithBroadcast())
			asker := listen(t, f.network, f.local(), udp.WithBroadcast())
			send(t, asker, netip.AddrPortFrom(netip.MustParseAddr(to), at(t, s).Port()), "question")
			m := next(t, s)
			same(t, "To", m.To.String(), to)
			for what, m := range map[string]udp.Message{
				"received": m, "cloned": m.Clone(), "made by hand": {From: m.From, To: m.To}, "without To": {From: m.From},
			} {
				for how, reply := range map[string]func() error{
					"Reply": func() error { return s.Reply(t.Context(), m, []byte("an"), []byte("swer")) },
					"SendBatch": func() error {
						_, err := s.SendBatch(t.Context(), []udp.Datagram{m.Reply([]byte("answer"))})
						return err
					},
					"Outbox": func() error { s.Outbox() <- m.Reply([]byte("answer")); return s.Flush(t.Context()) },
				} {
					if err := reply(); err != nil {
						t.Errorf("%s to what was sent to %s, %s: %v", how, to, what, err)
						continue
					}
					answer := next(t, asker)
					same(t, "answer", string(answer.Data), "answer")
					if what != "without To" && to != "127.255.255.255" {
						same(t, how+": from", answer.From.Addr().String(), to)
					}
				}
			}
			empty(t, "errors", s.Errors())
		})
	}
}

// Nobody's address is no destination of a reply: it would reach this host's own port.
func TestReplyToNoAddress(t *testing.T) {
	each(t, func(t *testing.T, f family) {
		s := listen(t, f.network, ":0")
		for _, from := range []string{"0.0.0.0:9", "[::]:9"} {
			fails(t, s.Reply(t.Context(), udp.Message{From: netip.MustParseAddrPort(from)}), udp.ErrAddressFamily)
		}
		fails(t, s.Reply(t.Context(), udp.Message{}), udp.ErrAddressFamily)
		same(t, "sent", s.Stats().Sent, 0)
	})
}

// A source that the caller named is no wish: it is not replaced.
func TestARefusedSourceIsAnError(t *testing.T) {
	netlab.RequireSourceChecks(t)
	s := open(t, "udp4")
	peer := std(t, families()[0])
	d := udp.Datagram{Data: []byte("x"), To: of(peer), From: netip.MustParseAddr("192.0.2.77")}
	n, err := s.SendBatch(t.Context(), []udp.Datagram{d})
	fails(t, err)
	same(t, "sent", n, 0)
}

func TestCloneHoldsItsOwnBytes(t *testing.T) {
	f := families()[0]
	s := listen(t, f.network, f.local())
	from := dial(t, f.network, at(t, s))
	send(t, from, netip.AddrPort{}, "keep me")
	m := next(t, s)
	c := m.Clone()
	same(t, "From", c.From, m.From)
	m.Data[0] = 'X'
	m.Release()
	c.Release()
	same(t, "data", string(c.Data), "keep me")
	same(t, "capacity", cap(c.Data), len(c.Data))
}
