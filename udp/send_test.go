package udp_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"

	"example.com/dgram/udp"
)

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
