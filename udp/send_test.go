package udp_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

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

// The bytes are the caller's again after the call, and the slice of parts is never changed.
//
// Upstream: parallel/test-dgram-connect-send-multi-buffer-copy.js
// Upstream: parallel/test-dgram-send-multi-buffer-copy.js
func TestPartsAreTheCallersAgainAfterSend(t *testing.T) {
	everyWay(t, func(t *testing.T, _ *udp.Socket, peer *net.UDPConn, send func(...[]byte) error) {
		parts := [][]byte{[]byte("one"), []byte("two")}
		ok(t, send(parts...))
		same(t, "parts", fmt.Sprintf("%s", parts), "[one two]")
		copy(parts[0], "ONE")
		parts[0], parts[1] = nil, []byte("three")
		ok(t, send(parts...))
		hear(t, peer, "onetwo", "three")
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
		t.Run(network, func(t *testing.T) {
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
			s.Outbox() <- udp.Datagram{Data: []byte(network), To: mapped}
			hear(t, peer, network)
			ok(t, s.Connect(t.Context(), mapped.String()))
			a := s.RemoteAddr()
			same(t, "peer", a, of(peer))
			own := f
			if s.Network() == "udp6" {
				own = families()[1]
			}
			kernelConnects(t, own) // else the address stays the wildcard
			same(t, "address", s.LocalAddr().Addr(), f.loopback)
		})
	}
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

// A destination that cannot be is the same error of every call. The socket is neither
// bound for it nor changed by it.
//
// Upstream: parallel/test-dgram-send-bad-arguments.js
// Upstream: parallel/test-dgram-blocklist.js
func TestABadDestinationIsAnErrorOfEveryCall(t *testing.T) {
	each(t, func(t *testing.T, f family) {
		peer := std(t, f)
		four, six := netip.MustParseAddrPort("127.0.0.2:9"), netip.MustParseAddrPort("[::2]:9")
		limit, blocked := 65507, four
		if f.network == "udp6" {
			limit, blocked = 65527, six
		}
		bad := []struct {
			to   netip.AddrPort
			size int
			want error
		}{
			{netip.AddrPortFrom(f.loopback, 0), 1, udp.ErrBadPort},
			{netip.AddrPort{}, 1, udp.ErrAddressFamily},
			{netip.AddrPort{}, 1, syscall.EDESTADDRREQ},
			{netip.AddrPortFrom(netip.Addr{}, 9), 1, udp.ErrAddressFamily},
			{blocked, 1, udp.ErrBlocked},
			{of(peer), limit + 1, syscall.EMSGSIZE},
		}
		if f.network == "udp4" {
			bad = append(bad, bad[0])
			bad[len(bad)-1].to, bad[len(bad)-1].want = six, udp.ErrAddressFamily
		} else {
			bad = append(bad, bad[0])
			bad[len(bad)-1].to, bad[len(bad)-1].want = netip.MustParseAddrPort("[fe80::1%nowhere0]:9"), syscall.ENODEV
		}
		for name, send := range sendingTo {
			for _, c := range bad {
				if name == "SendToHost" && !c.to.IsValid() {
					continue
				}
				s := open(t, f.network, udp.WithSendBlockList(netip.PrefixFrom(blocked.Addr(), blocked.Addr().BitLen())))
				err := send(t.Context(), s, c.to, make([]byte, c.size))
				fails(t, err, c.want)
				shaped(t, err, "send", "")
				if name != "Outbox" {
					unbound(t, s)
					same(t, "network", s.Network(), f.network)
				}
				same(t, "Sent", s.Stats().Sent, 0)
				same(t, "queue", s.SendQueueCount(), 0)
				ok(t, send(t.Context(), s, of(peer), []byte(name)))
				hear(t, peer, name)
			}
		}
	})
}

// Connect heeds the block list too, by address and by name.
//
// Upstream: parallel/test-dgram-connect-sync.js
func TestABlockedPeerIsNotConnectedTo(t *testing.T) {
	f := families()[0]
	s := open(t, f.network, udp.WithSendBlockList(netip.MustParsePrefix("127.0.0.2/32")),
		udp.WithLookup(looked("peer", netip.MustParseAddr("127.0.0.2")).lookup))
	for _, address := range []string{"127.0.0.2:9", "peer:9"} {
		err := s.Connect(t.Context(), address)
		fails(t, err, udp.ErrBlocked)
		shaped(t, err, "connect", address)
		unbound(t, s)
	}
	ok(t, s.Connect(t.Context(), of(std(t, f)).String()))
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
}

// Node's echo server, in two lines.
//
// Upstream: parallel/test-dgram-udp4.js
// Upstream: sequential/test-dgram-pingpong.js
// Upstream: parallel/test-dgram-send-callback-recursive.js
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

// waits are the calls that send one byte and wait where the send buffer is full.
var waits = map[string]func(ctx context.Context, s *udp.Socket) error{
	"Send":       func(ctx context.Context, s *udp.Socket) error { return s.Send(ctx, []byte("x")) },
	"SendTo":     func(ctx context.Context, s *udp.Socket) error { return s.SendTo(ctx, friend, []byte("x")) },
	"SendToHost": func(ctx context.Context, s *udp.Socket) error { return s.SendToHost(ctx, friend.String(), []byte("x")) },
	"Reply": func(ctx context.Context, s *udp.Socket) error {
		return s.Reply(ctx, udp.Message{From: friend}, []byte("x"))
	},
	"SendBatch": func(ctx context.Context, s *udp.Socket) error {
		_, err := s.SendBatch(ctx, []udp.Datagram{{To: friend, Data: []byte("x")}})
		return err
	},
}

// A send that waits for room ends with its context and with the socket. While it waits
// SendQueueCount and SendQueueSize count it.
func TestSendHeedsItsContext(t *testing.T) {
	for name, send := range waits {
		t.Run(name, func(t *testing.T) {
			simulated(t, func(t *testing.T, s *udp.Socket, c *simConn) {
				if name == "Send" {
					ok(t, s.Connect(t.Context(), friend.String()))
				}
				queued := func(n int) {
					t.Helper()
					synctest.Wait()
					same(t, "queue", s.SendQueueCount(), n)
					same(t, "bytes", s.SendQueueSize(), n)
				}
				fails(t, send(done(), s), context.Canceled)
				fails(t, send(nil, s), syscall.EINVAL)
				c.change(func() { c.space = 0 })
				ctx, cancel := context.WithCancel(t.Context())
				waiting := later(func() error { return send(ctx, s) })
				queued(1)
				cancel()
				fails(t, <-waiting, context.Canceled)
				short, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				fails(t, send(short, s), context.DeadlineExceeded)
				queued(0)
				waiting = later(func() error { return send(t.Context(), s) })
				queued(1)
				c.change(func() { c.space = 1 })
				ok(t, <-waiting)
				queued(0)
				same(t, "sent", c.texts(), "[x]")
			})
		})
	}
}

// A sender that waits for room is not overtaken, whichever way the next one sends.
func TestWaitingSenderIsNotOvertaken(t *testing.T) {
	for name, second := range map[string]func(s *udp.Socket) error{
		"Send":          func(s *udp.Socket) error { return s.Send(context.Background(), []byte("second")) },
		"Send of parts": func(s *udp.Socket) error { return s.Send(context.Background(), []byte("sec"), []byte("ond")) },
		"Write":         func(s *udp.Socket) error { _, err := s.PacketConn().Write([]byte("second")); return err },
		"SendBatch": func(s *udp.Socket) error {
			_, err := s.SendBatch(context.Background(), []udp.Datagram{{Data: []byte("second")}})
			return err
		},
		"Outbox": func(s *udp.Socket) error {
			s.Outbox() <- udp.Datagram{Data: []byte("second")}
			return s.Flush(context.Background())
		},
	} {
		t.Run(name, func(t *testing.T) {
			simulated(t, func(t *testing.T, s *udp.Socket, c *simConn) {
				ok(t, s.Connect(t.Context(), friend.String()))
				c.change(func() { c.space = 0 })
				first := later(func() error { return s.Send(t.Context(), []byte("first")) })
				synctest.Wait()
				c.ease() // there is room, and the first has not heard of it
				next := later(func() error { return second(s) })
				synctest.Wait()
				same(t, "queue", s.SendQueueCount(), 2)
				c.change(func() {})
				ok(t, <-first)
				ok(t, <-next)
				same(t, "sent", c.texts(), "[first second]")
				same(t, "queue", s.SendQueueCount(), 0)
				same(t, "bytes", s.SendQueueSize(), 0)
			})
		})
	}
}

func TestCloseFreesWaitingSenders(t *testing.T) {
	simulated(t, func(t *testing.T, s *udp.Socket, c *simConn) {
		c.change(func() { c.space = 0 })
		var senders []<-chan error
		for name, send := range waits {
			if name != "Send" { // there is no peer
				senders = append(senders, later(func() error { return send(context.Background(), s) }))
			}
		}
		synctest.Wait()
		same(t, "queue", s.SendQueueCount(), len(senders))
		ok(t, s.Close())
		for _, sent := range senders {
			fails(t, <-sent, net.ErrClosed)
		}
		same(t, "queue", s.SendQueueCount(), 0)
		same(t, "bytes", s.SendQueueSize(), 0)
	})
}
