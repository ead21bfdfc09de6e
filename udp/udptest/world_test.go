package udptest_test

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"example.com/dgram/udp"
	"example.com/dgram/udp/udptest"
)

// bubble runs a test on the clock of a bubble.
func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func same[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

func fails(t testing.TB, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Errorf("error %v, want %v", err, target)
	}
}

// listen opens a socket on the host's first address.
func listen(t testing.TB, h *udptest.Host, opts ...udp.Option) *udp.Socket {
	t.Helper()
	network := "udp4"
	if h.Addr().Is6() {
		network = "udp6"
	}
	s, err := h.Listen(t.Context(), network, netip.AddrPortFrom(h.Addr(), 0).String(), opts...)
	ok(t, err)
	return s
}

// two hosts, with a link if there are options, and a socket on each.
func two(t testing.TB, link []udptest.LinkOption, opts ...udp.Option) (n *udptest.Network, a, b *udp.Socket) {
	t.Helper()
	n = udptest.NewNetwork(t)
	ha, hb := n.Host("192.0.2.1/24"), n.Host("192.0.2.2/24")
	if link != nil {
		n.Link(ha, hb, link...)
	}
	return n, listen(t, ha, opts...), listen(t, hb, opts...)
}

func send(t testing.TB, s *udp.Socket, to netip.AddrPort, payload string) {
	t.Helper()
	ok(t, s.SendTo(t.Context(), to, []byte(payload)))
}

// hear expects payloads, in order.
func hear(t testing.TB, s *udp.Socket, want ...string) (last udp.Message) {
	t.Helper()
	for _, w := range want {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		m, err := receive(ctx, s)
		cancel()
		ok(t, err)
		if string(m.Data) != w {
			t.Fatalf("received %.40q, want %.40q", m.Data, w)
		}
		last = m
	}
	return last
}

// silence expects that nothing comes for a while.
func silence(t testing.TB, s *udp.Socket, d time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	if m, err := receive(ctx, s); err == nil {
		t.Fatalf("received %.40q from %v, want silence", m.Data, m.From)
	}
}

// receive is the next message.
func receive(ctx context.Context, s *udp.Socket) (udp.Message, error) {
	select {
	case m, open := <-s.Messages():
		if !open {
			return m, errors.Join(errors.New("the socket has ended"), s.Err())
		}
		return m, nil
	case <-ctx.Done():
		return udp.Message{}, ctx.Err()
	}
}

// conserved expects that the totals account for every datagram.
func conserved(t testing.TB, n *udptest.Network) udptest.Totals {
	t.Helper()
	all := n.Totals()
	sum := all.Delivered + all.InFlight
	for _, count := range all.Lost {
		sum += count
	}
	if sum != all.Sent+all.Copied {
		t.Errorf("%+v: %d of %d datagrams are accounted for", all, sum, all.Sent+all.Copied)
	}
	return all
}

func at(t testing.TB, s *udp.Socket) netip.AddrPort {
	t.Helper()
	return s.LocalAddr()
}
