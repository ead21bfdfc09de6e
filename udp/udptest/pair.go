package udptest

import (
	"testing"

	"example.com/dgram/udp"
)

// Pair returns two sockets on two hosts of a perfect network, each connected to
// the other. They close when the test ends. The options are for both.
func Pair(t testing.TB, opts ...udp.Option) (a, b *udp.Socket) {
	t.Helper()
	n := NewNetwork(t)
	a, b = n.bound(opts), n.bound(opts)
	connect := func(s, to *udp.Socket) {
		t.Helper()
		if err := s.Connect(t.Context(), to.LocalAddr().String()); err != nil {
			t.Fatalf("udptest: Pair: %v", err)
		}
	}
	connect(a, b)
	connect(b, a)
	return a, b
}

// bound is a socket on a host of its own.
func (n *Network) bound(opts []udp.Option) *udp.Socket {
	n.t.Helper()
	h := n.Host()
	s, err := h.New("udp4", opts...)
	if err == nil {
		err = s.Bind(n.t.Context(), h.Addr().String()+":0")
	}
	if err != nil {
		n.t.Fatalf("udptest: Pair: %v", err)
	}
	return s
}
