package udp_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"

	"example.com/dgram/internal/netlab"
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

// The parts arrive in a row, as one datagram, whatever they are; Stats counts
// it and its bytes.
//
// Upstream: parallel/test-dgram-bytes-length.js
// Upstream: parallel/test-dgram-connect-send-callback-buffer-length.js
// Upstream: parallel/test-dgram-connect-send-callback-buffer.js
// Upstream: parallel/test-dgram-connect-send-callback-multi-buffer.js
// Upstream: parallel/test-dgram-connect-send-default-host.js
// Upstream: parallel/test-dgram-connect-send-empty-array.js
// Upstream: parallel/test-dgram-connect-send-empty-buffer.js
// Upstream: parallel/test-dgram-connect-send-empty-packet.js
// Upstream: parallel/test-dgram-connect-send-multi-string-array.js
// Upstream: parallel/test-dgram-send-address-types.js
// Upstream: parallel/test-dgram-send-callback-buffer-empty-address.js
// Upstream: parallel/test-dgram-send-callback-buffer-length-empty-address.js
// Upstream: parallel/test-dgram-send-callback-buffer-length.js
// Upstream: parallel/test-dgram-send-callback-buffer.js
// Upstream: parallel/test-dgram-send-callback-multi-buffer-empty-address.js
// Upstream: parallel/test-dgram-send-callback-multi-buffer.js
// Upstream: parallel/test-dgram-send-default-host.js
// Upstream: parallel/test-dgram-send-empty-array.js
// Upstream: parallel/test-dgram-send-empty-buffer.js
// Upstream: parallel/test-dgram-send-empty-packet.js
// Upstream: parallel/test-dgram-send-multi-string-array.js
func TestPartsArriveAsOneDatagram(t *testing.T) {
	whole := []byte(strings.Repeat("0123456789abcdef", 16))
	payloads := map[string][][]byte{
		"a buffer":             {whole},
		"the end of a buffer":  {whole[20:]},
		"the middle":           {whole[20:40]},
		"two buffers":          {whole[:100], whole[100:]},
		"text":                 {[]byte("hello"), []byte(" "), []byte("world")},
		"with an empty part":   {[]byte("a"), {}, nil, []byte("b")},
		"beginning with none":  {nil, []byte("b")},
		"as many as there may": many(1024),
		"no parts":             {},
		"one empty part":       {{}},
		"one nil part":         {nil},
		"nothing of a buffer":  {whole[:0]},
		"empty parts":          {{}, nil, whole[3:3]},
	}
	everyWay(t, func(t *testing.T, s *udp.Socket, peer *net.UDPConn, send func(...[]byte) error) {
		var datagrams, bytes uint64
		for what, parts := range payloads {
			want := ""
			for _, p := range parts {
				want += string(p)
			}
			if err := send(parts...); err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			hear(t, peer, want)
			datagrams++
			bytes += uint64(len(want))
		}
		st := s.Stats()
		same(t, "Sent", st.Sent, datagrams)
		same(t, "SentBytes", st.SentBytes, bytes)
	})
}

func many(n int) [][]byte {
	parts := make([][]byte, n)
	for i := range parts {
		parts[i] = []byte{byte(i)}
	}
	return parts
}

// Upstream: parallel/test-dgram-connect-send-multi-buffer-copy.js
// Upstream: parallel/test-dgram-send-multi-buffer-copy.js
func TestPartsAreTheCallersAgainAfterSend(t *testing.T) {
	everyWay(t, func(t *testing.T, _ *udp.Socket, peer *net.UDPConn, send func(...[]byte) error) {
		parts := [][]byte{[]byte("one"), []byte("two")}
		ok(t, send(parts...))
		copy(parts[0], "ONE")
		parts[0], parts[1] = nil, []byte("three")
		ok(t, send(parts...))
		hear(t, peer, "onetwo", "three")
	})
}

// The caller's slice of parts is not changed.
func TestSendLeavesThePartsAsTheyAre(t *testing.T) {
	everyWay(t, func(t *testing.T, _ *udp.Socket, peer *net.UDPConn, send func(...[]byte) error) {
		parts := [][]byte{[]byte("one"), []byte("two"), []byte("three")}
		ok(t, send(parts...))
		hear(t, peer, "onetwothree")
		same(t, "parts", fmt.Sprintf("%s", parts), "[one two three]")
	})
}

// Upstream: parallel/test-dgram-msgsize.js
func TestTooLongIsAnErrorWithTheDestination(t *testing.T) {
	everyWay(t, func(t *testing.T, s *udp.Socket, peer *net.UDPConn, send func(...[]byte) error) {
		limit := 65507
		if s.Network() == "udp6" {
			limit = 65527
		}
		for _, parts := range [][][]byte{
			{make([]byte, 256<<10)},
			{make([]byte, limit+1)},
			{make([]byte, limit), {0}},
			many(1025),
			make([][]byte, 1025),
		} {
			err := send(parts...)
			fails(t, err, syscall.EMSGSIZE)
			shaped(t, err, "send", fmt.Sprint(of(peer).Port()))
		}
		same(t, "Sent", s.Stats().Sent, 0)
		longest := big(limit)
		ok(t, send([]byte(longest)))
		ok(t, send([]byte("short")))
		hear(t, peer, longest, "short")
	})
}

func TestMappedDestinationIsIPv4(t *testing.T) {
	f := families()[0]
	peer := std(t, f)
	mapped := netip.AddrPortFrom(netip.MustParseAddr("::ffff:127.0.0.1"), of(peer).Port())
	for _, network := range []string{"udp4", "udp", "udp6"} {
		if network == "udp6" {
			needIPv6(t)
		}
		s := open(t, network)
		send(t, s, mapped, network)
		hear(t, peer, network)
		ok(t, s.SendToHost(t.Context(), mapped.String(), []byte(network)))
		hear(t, peer, network)
		n, err := s.SendBatch(t.Context(), []udp.Datagram{{Data: []byte(network), To: mapped}})
		ok(t, err)
		same(t, "sent", n, 1)
		hear(t, peer, network)
		ok(t, s.Connect(t.Context(), mapped.String()))
		a := s.RemoteAddr()
		same(t, "peer", a, of(peer))
		if portable && network == "udp6" {
			continue // the portable path connects IPv6 sockets itself: the kernel binds them no closer
		}
		same(t, "address", s.LocalAddr().Addr(), f.loopback)
	}
}

// Upstream: parallel/test-dgram-udp6-send-default-host.js
func TestHostIsLoopbackOfTheFamily(t *testing.T) {
	each(t, func(t *testing.T, f family) {
		peer := std(t, f)
		s := open(t, f.network)
		ok(t, s.SendToHost(t.Context(), fmt.Sprint(":", of(peer).Port()), []byte("x")))
		same(t, "sender", hear(t, peer, "x").Addr(), f.loopback)
	})
}

// Upstream: parallel/test-dgram-send-bad-arguments.js
func TestSendRejectsBadDestinations(t *testing.T) {
	each(t, func(t *testing.T, f family) {
		s := listen(t, f.network, f.local())
		for _, c := range []struct {
			to   netip.AddrPort
			want error
		}{
			{netip.AddrPortFrom(f.loopback, 0), udp.ErrBadPort},
			{netip.AddrPort{}, udp.ErrAddressFamily},
			{netip.AddrPort{}, syscall.EDESTADDRREQ},
			{netip.AddrPortFrom(netip.Addr{}, 9), udp.ErrAddressFamily},
		} {
			err := s.SendTo(t.Context(), c.to, []byte("x"))
			fails(t, err, c.want)
			shaped(t, err, "send", "")
			fails(t, s.Reply(t.Context(), udp.Message{From: c.to}, []byte("x")), c.want)
			_, err = s.SendBatch(t.Context(), []udp.Datagram{{To: c.to}})
			fails(t, err, c.want)
		}
		if f.network == "udp4" {
			fails(t, s.SendTo(t.Context(), netip.MustParseAddrPort("[::1]:9")), udp.ErrAddressFamily)
		}
		for _, port := range []string{"0", "65536", "-1", "no-such-port"} {
			err := s.SendToHost(t.Context(), ":"+port, []byte("x"))
			fails(t, err, udp.ErrBadPort)
			shaped(t, err, "send", port)
		}
		same(t, "Sent", s.Stats().Sent, 0)
		same(t, "queue", s.SendQueueCount(), 0)
		send(t, s, at(t, s), "fine")
		expect(t, s, "fine")
	})
}

// A wildcard is no place, but Linux takes it for loopback, as Node does.
func TestDatagramToNobodyKnows(t *testing.T) {
	f := families()[0]
	s := listen(t, f.network, ":0")
	err := s.SendTo(t.Context(), netip.AddrPortFrom(netip.IPv4Unspecified(), at(t, s).Port()), []byte("me"))
	if err != nil {
		t.Skipf("not on this system: %v", err)
	}
	expect(t, s, "me")
}

// Upstream: parallel/test-dgram-blocklist.js
func TestSendBlockList(t *testing.T) {
	each(t, func(t *testing.T, f family) {
		peer := std(t, f)
		s := open(t, f.network, udp.WithLookup(looked("peer", f.loopback).lookup),
			udp.WithSendBlockList(netip.PrefixFrom(f.loopback, f.loopback.BitLen())))
		port := fmt.Sprint(of(peer).Port())
		for _, err := range []error{
			s.SendTo(t.Context(), of(peer), []byte("x")),
			s.SendToHost(t.Context(), "peer:"+port, []byte("x")),
			s.SendToHost(t.Context(), ":"+port, []byte("x")),
			s.Connect(t.Context(), of(peer).String()),
			s.Connect(t.Context(), "peer:"+port),
			s.Reply(t.Context(), udp.Message{From: of(peer)}),
		} {
			fails(t, err, udp.ErrBlocked)
			shaped(t, err, err.(*net.OpError).Op, port)
		}
		n, err := s.SendBatch(t.Context(), []udp.Datagram{{To: of(peer)}})
		fails(t, err, udp.ErrBlocked)
		same(t, "sent", n, 0)
		s.Outbox() <- udp.Datagram{Data: []byte("x"), To: of(peer)}
		failed, _ := take(t, "error", s.Errors())
		fails(t, failed, udp.ErrBlocked)
		same(t, "Sent", s.Stats().Sent, 0)
	})
}

// An IPv4 rule holds for the mapped address, and zones do not matter.
func TestSendBlockListKnowsEverySpelling(t *testing.T) {
	needIPv6(t)
	s := open(t, "udp6", udp.WithSendBlockList(netip.MustParsePrefix("127.0.0.0/8")))
	fails(t, s.SendTo(t.Context(), netip.MustParseAddrPort("[::ffff:127.0.0.1]:9")), udp.ErrBlocked)
	fails(t, s.SendTo(t.Context(), netip.MustParseAddrPort("127.0.0.1:9")), udp.ErrBlocked)
	local := open(t, "udp6", udp.WithSendBlockList(netip.MustParsePrefix("fe80::/10")))
	to := netip.AddrPortFrom(netip.MustParseAddr("fe80::1").WithZone(loopbackName(t)), 9)
	fails(t, local.SendTo(t.Context(), to), udp.ErrBlocked)
}

// Upstream: parallel/test-dgram-send-callback-recursive.js
func TestEachSendFollowsTheLast(t *testing.T) {
	f := families()[0]
	s := listen(t, f.network, f.local(), udp.WithMessageBuffer(0))
	for i := range 10 {
		sent := later(func() error { return s.SendTo(t.Context(), at(t, s), fmt.Append(nil, i)) })
		err, _ := take(t, "SendTo", sent)
		ok(t, err)
		expect(t, s, fmt.Sprint(i))
	}
}

// Upstream: parallel/test-dgram-oob-buffer.js
func TestSendToClosedPortThenClose(t *testing.T) {
	each(t, func(t *testing.T, f family) {
		to := deserted(t, f)
		s := open(t, f.network)
		for _, payload := range [][]byte{{}, make([]byte, 4)[4:], nil} {
			ok(t, s.SendTo(t.Context(), to, payload))
		}
		ok(t, s.Close())
		same(t, "errors", len(drained(t, "errors", s.Errors())), 0)
		fails(t, s.SendTo(t.Context(), to, []byte("x")), net.ErrClosed)
	})
}

func TestSendBatchKeepsTheOrder(t *testing.T) {
	each(t, func(t *testing.T, f family) {
		s := listen(t, f.network, f.local(), udp.WithReadBuffer(1<<20), udp.WithMessageBuffer(1024))
		from := open(t, f.network)
		var batch []udp.Datagram
		var want []string
		for i := range 400 { // more than one call takes, of sizes that change
			p := fmt.Sprintf("%d %s", i, big(i%7*3))
			want = append(want, p)
			batch = append(batch, udp.Datagram{Data: []byte(p), To: at(t, s)})
		}
		done := later(func() error {
			n, err := from.SendBatch(t.Context(), batch)
			if n != len(batch) {
				return errors.Join(err, fmt.Errorf("sent %d of %d", n, len(batch)))
			}
			return err
		})
		expect(t, s, want...)
		err, _ := take(t, "SendBatch", done)
		ok(t, err)
		same(t, "Sent", from.Stats().Sent, 400)
	})
}

// A datagram that fails by itself holds up no other. What would end at the first
// failure sends fewer; what reports it without its index cannot be acted on.
func TestSendBatchGoesPastWhatFails(t *testing.T) {
	each(t, func(t *testing.T, f family) {
		for _, n := range []int{0, 1, 5, 300} {
			peer := listen(t, f.network, f.local(), udp.WithReadBuffer(1<<20), udp.WithMessageBuffer(512))
			for what, c := range map[string]struct {
				bad  udp.Datagram
				want error
			}{
				"port 0":         {udp.Datagram{To: netip.AddrPortFrom(f.loopback, 0)}, udp.ErrBadPort},
				"no destination": {udp.Datagram{Data: []byte("x")}, udp.ErrNotConnected},
				"too long":       {udp.Datagram{Data: make([]byte, 70000), To: at(t, peer)}, syscall.EMSGSIZE},
			} {
				s := open(t, f.network)
				var batch []udp.Datagram
				for i := range n {
					batch = append(batch, udp.Datagram{Data: fmt.Append(nil, i), To: at(t, peer)})
				}
				batch = append(batch, c.bad, udp.Datagram{Data: []byte("past it"), To: at(t, peer)}, c.bad)
				sent, err := s.SendBatch(t.Context(), batch)
				fails(t, err, c.want)
				failures := sendErrors(err)
				same(t, "failures", len(failures), 2)
				for _, i := range []int{n, n + 2} {
					fails(t, failures[i], c.want)
					shaped(t, failures[i].Err, "send", "")
					same(t, "bytes", failures[i].Bytes, len(c.bad.Data))
				}
				if same(t, what+": sent", sent, n+1); t.Failed() {
					return
				}
				for i := range n {
					expect(t, peer, fmt.Sprint(i))
				}
				expect(t, peer, "past it")
				same(t, "Sent", s.Stats().Sent, uint64(n+1))
			}
			empty(t, "messages", peer.Messages())
		}
	})
}

func TestSendBatchOfNothing(t *testing.T) {
	s := open(t, "udp4")
	n, err := s.SendBatch(t.Context(), nil)
	ok(t, err)
	same(t, "sent", n, 0)
	unbound(t, s)
	n, err = s.SendBatch(nil, []udp.Datagram{{}})
	fails(t, err, syscall.EINVAL)
	same(t, "sent", n, 0)
	n, err = s.SendBatch(done(), []udp.Datagram{{}})
	fails(t, err, context.Canceled)
	same(t, "sent", n, 0)
}

func TestSendBatchOnConnectedSocket(t *testing.T) {
	each(t, func(t *testing.T, f family) {
		peer := std(t, f)
		s := dial(t, f.network, of(peer))
		n, err := s.SendBatch(t.Context(), []udp.Datagram{{Data: []byte("a")}, {}, {Data: []byte("b")}})
		ok(t, err)
		same(t, "sent", n, 3)
		hear(t, peer, "a", "", "b")
	})
}

// A datagram leaves from the address that it says.
func TestDatagramLeavesFromTheAddressItNames(t *testing.T) {
	from := netip.MustParseAddr("127.0.0.5")
	netlab.RequireSource(t, from)
	f := families()[0]
	s := listen(t, f.network, ":0")
	peer := std(t, f)
	n, err := s.SendBatch(t.Context(), []udp.Datagram{{Data: []byte("x"), To: of(peer), From: from}, {Data: []byte("y"), To: of(peer)}})
	ok(t, err)
	same(t, "sent", n, 2)
	same(t, "sender", hear(t, peer, "x"), netip.AddrPortFrom(from, at(t, s).Port()))
	same(t, "sender", hear(t, peer, "y"), netip.AddrPortFrom(f.loopback, at(t, s).Port()))
	s.Outbox() <- udp.Datagram{Data: []byte("z"), To: of(peer), From: from}
	ok(t, s.Flush(t.Context()))
	same(t, "sender", hear(t, peer, "z"), netip.AddrPortFrom(from, at(t, s).Port()))

	_, err = s.SendBatch(t.Context(), []udp.Datagram{{To: of(peer), From: netip.IPv6Loopback()}})
	fails(t, err, udp.ErrAddressFamily)
	_, err = s.SendBatch(t.Context(), []udp.Datagram{{To: of(peer), From: netip.MustParseAddr("192.0.2.1")}})
	if err == nil {
		t.Error("left from somebody else's address")
	}
}

func TestReplyLeavesFromTheAddressThatWasAsked(t *testing.T) {
	netlab.RequireSource(t, netip.MustParseAddr("127.0.0.7"))
	f := families()[0]
	for _, network := range []string{"udp4", "udp6"} {
		if network == "udp6" {
			needIPv6(t)
		}
		s := listen(t, network, ":0")
		a := s.LocalAddr()
		for _, asked := range []string{"127.0.0.1", "127.0.0.7"} {
			to := netip.AddrPortFrom(netip.MustParseAddr(asked), a.Port())
			peer := std(t, f)
			tell(t, peer, to, "ask")
			m := next(t, s)
			same(t, "asked", m.To, to.Addr())
			ok(t, s.Reply(t.Context(), m, []byte("answer")))
			same(t, "answer comes from", hear(t, peer, "answer"), to)
		}
	}
}

// Parts and a source at once: one datagram.
func TestReplyWithParts(t *testing.T) {
	each(t, func(t *testing.T, f family) {
		s := listen(t, f.network, ":0")
		peer := std(t, f)
		tell(t, peer, at(t, s), "ask")
		m := next(t, s)
		ok(t, s.Reply(t.Context(), m, []byte("an"), []byte("swer")))
		hear(t, peer, "answer")
		ok(t, s.Reply(t.Context(), m))
		hear(t, peer, "")
	})
}

// Node's echo server, in two lines.
//
// Upstream: parallel/test-dgram-udp4.js
// Upstream: sequential/test-dgram-pingpong.js
func TestPingPong(t *testing.T) {
	each(t, func(t *testing.T, f family) {
		address := f.local()
		for range 3 { // close, and listen on the same port at once
			server := listen(t, f.network, address)
			address = at(t, server).String()
			answering := begin(func() {
				for m := range server.Messages() {
					if err := server.Reply(t.Context(), m, []byte("PONG")); err != nil {
						t.Error(err)
					}
				}
			})
			client := open(t, f.network, udp.WithLookup(looked("server", f.loopback).lookup))
			for range 100 {
				ok(t, client.SendToHost(t.Context(), fmt.Sprint("server:", at(t, server).Port()), []byte("PING")))
				m := next(t, client)
				same(t, "answer", string(m.Data), "PONG")
				same(t, "sender", m.From, at(t, server))
			}
			ok(t, server.Close())
			ended(t, "the server", answering)
		}
	})
}

// Upstream: parallel/test-cluster-dgram-2.js
func TestManySendersOneReceiver(t *testing.T) {
	each(t, func(t *testing.T, f family) {
		s := listen(t, f.network, f.local(), udp.WithReadBuffer(1<<20))
		const senders, each = 4, 100
		from := map[netip.AddrPort]int{}
		all := begin(func() {
			concurrently(senders, func(i int) {
				c, err := udp.Dial(t.Context(), f.network, at(t, s).String())
				if err != nil {
					t.Error(err)
					return
				}
				defer c.Close()
				for k := range each {
					if err := c.Send(t.Context(), []byte{byte(k)}); err != nil {
						t.Error(err)
					}
				}
			})
		})
		for range senders * each {
			m := next(t, s)
			same(t, "number", int(m.Data[0]), from[m.From]) // each sender's order is kept
			from[m.From]++
		}
		ended(t, "senders", all)
		same(t, "senders", len(from), senders)
	})
}

func TestSendHeedsItsContext(t *testing.T) {
	leakless(t)
	system, jam := jammed()
	s, err := udp.DialOn(t.Context(), system, "udp4", "127.0.0.1:9")
	mine(t, s, err)
	to := netip.MustParseAddrPort("127.0.0.1:9")
	unconnected, err := udp.NewOn(system, "udp4")
	mine(t, unconnected, err)
	calls := map[string]func(ctx context.Context) error{
		"Send":       func(ctx context.Context) error { return s.Send(ctx, []byte("x")) },
		"SendTo":     func(ctx context.Context) error { return unconnected.SendTo(ctx, to, []byte("x")) },
		"SendToHost": func(ctx context.Context) error { return unconnected.SendToHost(ctx, to.String(), []byte("x")) },
		"Reply":      func(ctx context.Context) error { return unconnected.Reply(ctx, udp.Message{From: to}, []byte("x")) },
		"SendBatch": func(ctx context.Context) error {
			n, err := s.SendBatch(ctx, []udp.Datagram{{Data: []byte("x")}})
			if n != 0 {
				t.Errorf("sent %d", n)
			}
			return err
		},
	}
	for name, f := range calls {
		t.Run(name, func(t *testing.T) {
			fails(t, f(done()), context.Canceled)
			fails(t, f(nil), syscall.EINVAL)

			ctx, cancel := context.WithCancel(t.Context())
			waiting := later(func() error { return f(ctx) })
			eventually(t, "the sender waits", func() bool { return s.SendQueueCount()+unconnected.SendQueueCount() == 1 })
			same(t, "bytes", s.SendQueueSize()+unconnected.SendQueueSize(), 1)
			cancel()
			err, _ := take(t, name, waiting)
			fails(t, err, context.Canceled)

			short, cancel := context.WithTimeout(t.Context(), 1000)
			defer cancel()
			fails(t, f(short), context.DeadlineExceeded)
			same(t, "queue", s.SendQueueCount()+unconnected.SendQueueCount(), 0)
			same(t, "bytes", s.SendQueueSize()+unconnected.SendQueueSize(), 0)
		})
	}
	jam.clear()
	ok(t, s.Send(t.Context(), []byte("x")))
}

// Nobody overtakes a sender that waits for room.
func TestWaitingSenderIsNotOvertaken(t *testing.T) {
	f := families()[0]
	for _, second := range []string{"Send", "Send of parts", "SendBatch", "Outbox", "Write"} {
		peer := std(t, f)
		system, jam := jammed()
		s, err := udp.DialOn(t.Context(), system, f.network, of(peer).String())
		mine(t, s, err)
		first := later(func() error { return s.Send(t.Context(), []byte("first")) })
		eventually(t, "the first waits", func() bool { return jam.waiting.Load() == 1 })
		jam.eased.Store(true)
		after := later(func() error {
			switch second {
			case "Send":
				return s.Send(t.Context(), []byte("second"))
			case "Send of parts":
				return s.Send(t.Context(), []byte("sec"), []byte("ond"))
			case "Write":
				_, err := s.PacketConn().Write([]byte("second"))
				return err
			case "SendBatch":
				_, err := s.SendBatch(t.Context(), []udp.Datagram{{Data: []byte("second")}})
				return err
			}
			s.Outbox() <- udp.Datagram{Data: []byte("second")}
			return s.Flush(t.Context())
		})
		eventually(t, "the second waits", func() bool { return s.SendQueueCount() == 2 })
		same(t, "size", s.SendQueueSize() >= 5, true)
		jam.clear()
		err, _ = take(t, "first", first)
		ok(t, err)
		err, _ = take(t, second, after)
		ok(t, err)
		hear(t, peer, "first", "second")
		same(t, "queue", s.SendQueueCount(), 0)
		same(t, "bytes", s.SendQueueSize(), 0)
	}
}

// Upstream: parallel/test-dgram-send-queue-info.js
func TestSendQueueIsKnown(t *testing.T) {
	f := families()[0]
	peer := std(t, f)
	system, jam := jammed()
	s, err := udp.DialOn(t.Context(), system, f.network, of(peer).String())
	mine(t, s, err)
	same(t, "count", s.SendQueueCount(), 0)
	same(t, "size", s.SendQueueSize(), 0)
	concurrent := []<-chan error{
		later(func() error { return s.Send(t.Context(), []byte("hello")) }),
		later(func() error { return s.Send(t.Context(), []byte("hel"), []byte("lo")) }),
	}
	eventually(t, "two wait", func() bool { return s.SendQueueCount() == 2 && s.SendQueueSize() == 10 })
	jam.clear()
	for _, c := range concurrent {
		err, _ := take(t, "Send", c)
		ok(t, err)
	}
	same(t, "count", s.SendQueueCount(), 0)
	same(t, "size", s.SendQueueSize(), 0)
	ok(t, s.Close())
	same(t, "count", s.SendQueueCount(), 0)
	same(t, "size", s.SendQueueSize(), 0)
}

func TestCloseFreesWaitingSenders(t *testing.T) {
	leakless(t)
	system, _ := jammed()
	s, err := udp.DialOn(t.Context(), system, "udp4", "127.0.0.1:9")
	mine(t, s, err)
	var senders []<-chan error
	for range 8 {
		senders = append(senders, later(func() error { return s.Send(t.Context(), []byte("x")) }))
	}
	senders = append(senders, later(func() error { _, err := s.SendBatch(t.Context(), make([]udp.Datagram, 3)); return err }))
	eventually(t, "all wait", func() bool { return s.SendQueueCount() == 9 })
	door(t, "Close", func() { s.Close() })
	for _, c := range senders {
		err, _ := take(t, "Send", c)
		fails(t, err, net.ErrClosed)
	}
	same(t, "queue", s.SendQueueCount(), 0)
}
