package udptest_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"example.com/dgram/udp"
	"example.com/dgram/udp/udptest"
)

func TestAClosedPortRefuses(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := udptest.NewNetwork(t)
		a, b := n.Host("192.0.2.1/24", "2001:db8::1/64"), n.Host("192.0.2.2/24", "2001:db8::2/64")
		n.Link(a, b, udptest.Latency(50*time.Millisecond))
		for _, to := range []string{"192.0.2.2:9", "[2001:db8::2]:9"} {
			c, err := a.Dial(t.Context(), "udp", to)
			ok(t, err)
			start := time.Now()
			ok(t, c.Send(t.Context(), nil))
			_, err = c.Receive(t.Context())
			fails(t, err, syscall.ECONNREFUSED)
			same(t, "round trip", time.Since(start), 100*time.Millisecond)

			s, err := a.New("udp6", udp.WithICMPErrors())
			ok(t, err)
			send(t, s, netip.MustParseAddrPort(to), "")
			_, err = s.Receive(t.Context())
			fails(t, err, syscall.ECONNREFUSED)
		}
		same(t, "refused", conserved(t, n).Lost[udptest.Refused], 4)
	})
}

// A host tells six times at once that a port is closed, then once a second.
func TestRefusalsAreLimited(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := udptest.NewNetwork(t)
		a, b := n.Host("192.0.2.1"), n.Host("192.0.2.2")
		n.Link(a, b)
		s := listen(t, a, udp.WithICMPErrors())
		count := func(sends int) (refused int) {
			for range sends {
				send(t, s, netip.MustParseAddrPort("192.0.2.2:9"), "")
				if _, failed, err := try(t, s, time.Millisecond); failed {
					fails(t, err, syscall.ECONNREFUSED)
					refused++
				}
			}
			return refused
		}
		same(t, "at once", count(20), 6)
		time.Sleep(2 * time.Second)
		same(t, "after two seconds", count(20), 2)
	})
}

// try reads for a while. failed says that it was an error of the socket.
func try(t testing.TB, s *udp.Socket, d time.Duration) (m udp.Message, failed bool, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	m, err = s.Receive(ctx)
	return m, err != nil && !errors.Is(err, context.DeadlineExceeded), err
}

// A neighbour that does not exist is looked for, for three seconds.
func TestAMissingNeighbourIsUnreachable(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := udptest.NewNetwork(t)
		s := listen(t, n.Host("192.0.2.1/24"), udp.WithICMPErrors())
		start := time.Now()
		send(t, s, netip.MustParseAddrPort("192.0.2.77:9"), "")
		_, err := s.Receive(t.Context())
		fails(t, err, syscall.EHOSTUNREACH)
		same(t, "looked for", time.Since(start), 3*time.Second)
		same(t, "lost", conserved(t, n).Lost[udptest.NoHost], 1)
	})
}

func TestAFullReceiveBufferDrops(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n, a, b := two(t, nil, udp.WithReadBuffer(10000), udp.WithMessageBuffer(0))
		for range 100 {
			send(t, a, at(t, b), "x") // 832 bytes each of 20000
		}
		synctest.Wait()
		dropped := conserved(t, n).Lost[udptest.BufferFull]
		same(t, "dropped", dropped, 76)
		same(t, "Stats.DroppedKernel", b.Stats().DroppedKernel, dropped)
	})
}

// A wildcard socket answers from the address that was asked, on every family.
func TestRepliesLeaveFromTheAddressThatWasAsked(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := udptest.NewNetwork(t)
		server := n.Host("192.0.2.1/24", "192.0.2.2/24", "2001:db8::1/64", "2001:db8::2/64", "fe80::1/64")
		client := n.Host("192.0.2.9/24", "2001:db8::9/64", "fe80::9/64")
		s, err := server.Listen(t.Context(), "udp", ":53")
		ok(t, err)
		for _, a := range server.Addrs() {
			a := a
			c, err := client.Dial(t.Context(), "udp", netip.AddrPortFrom(a, 53).String())
			ok(t, err)
			ok(t, c.Send(t.Context(), []byte("ask")))
			m := hear(t, s, "ask")
			same(t, "To", m.To, a)
			ok(t, s.Reply(t.Context(), m, []byte("answer")))
			same(t, "From", hear(t, c, "answer").From.Addr(), a) // connected: nobody else is heard
		}
	})
}

func TestHopsAndClassesArrive(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := udptest.NewNetwork(t)
		a, b := n.Host("192.0.2.1", "2001:db8::1"), n.Host("192.0.2.2", "2001:db8::2")
		s, err := b.Listen(t.Context(), "udp", ":7", udp.WithReceiveTTL(), udp.WithReceiveTOS(), udp.WithTimestamps())
		ok(t, err)
		c, err := a.New("udp6", udp.WithTTL(9), udp.WithTOS(0xb8))
		ok(t, err)
		for _, to := range []string{"192.0.2.2:7", "[2001:db8::2]:7"} {
			send(t, c, netip.MustParseAddrPort(to), "x")
			m := hear(t, s, "x")
			if m.TTL != 9 || m.TOS != 0xb8 || !m.Time.Equal(time.Now()) {
				t.Errorf("%s: TTL %d, TOS %#x, %v", to, m.TTL, m.TOS, m.Time)
			}
			_, err := c.SendBatch(t.Context(), []udp.Datagram{{To: netip.MustParseAddrPort(to), Data: []byte("y"), TTL: 3, TOS: 4}})
			ok(t, err)
			if m := hear(t, s, "y"); m.TTL != 3 || m.TOS != 4 {
				t.Errorf("%s: TTL %d, TOS %#x", to, m.TTL, m.TOS)
			}
		}
	})
}

// A burst arrives as one packet, and is cut into its datagrams again.
func TestBurstsAreCoalesced(t *testing.T) {
	bubble(t, func(t *testing.T) {
		_, a, b := two(t, []udptest.LinkOption{udptest.Latency(time.Millisecond)}, udp.WithMessageBuffer(100))
		var batch []udp.Datagram
		var want []string
		for i := range 50 {
			want = append(want, fmt.Sprintf("%02d", i))
			batch = append(batch, udp.Datagram{To: at(t, b), Data: []byte(want[i])})
		}
		sent, err := a.SendBatch(t.Context(), batch)
		ok(t, err)
		same(t, "sent", sent, 50)
		hear(t, b, want...)
		if calls := b.Stats().ReadCalls; calls > 3 {
			t.Errorf("%d reads", calls)
		}
	})
}

// Members of a SO_REUSEPORT group share the senders; each sender keeps to one.
func TestReusePortSpreadsSenders(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := udptest.NewNetwork(t)
		server, client := n.Host("192.0.2.1"), n.Host("192.0.2.2")
		var group [3]*udp.Socket
		for i := range group {
			s, err := server.Listen(t.Context(), "udp4", "192.0.2.1:7", udp.WithReusePort())
			ok(t, err)
			s.Messages()
			group[i] = s
		}
		for range 60 {
			c := listen(t, client)
			for range 2 {
				send(t, c, netip.MustParseAddrPort("192.0.2.1:7"), "x")
			}
		}
		synctest.Wait()
		total := 0
		for i, s := range group {
			got := len(s.Messages())
			if total += got; got < 10 || got%2 != 0 && got < 15 {
				t.Errorf("member %d has %d of 120", i, got)
			}
		}
	})
}

func TestNamesAreUnknownUnlessALookupKnowsThem(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := udptest.NewNetwork(t)
		h := n.Host("192.0.2.1")
		s, err := h.Listen(t.Context(), "udp4", "localhost:7")
		ok(t, err)
		same(t, "localhost", at(t, s).Addr(), netip.MustParseAddr("127.0.0.1"))
		_, err = h.Dial(t.Context(), "udp4", "server:7")
		if err == nil {
			t.Error("a name that nobody knows")
		}
		c, err := h.Dial(t.Context(), "udp4", "server:7", udp.WithLookup(func(context.Context, string, string) ([]netip.Addr, error) {
			return []netip.Addr{netip.MustParseAddr("192.0.2.1")}, nil
		}))
		ok(t, err)
		same(t, "peer", c.RemoteAddr(), netip.MustParseAddrPort("192.0.2.1:7"))
	})
}

// The view of net's kind works, with its deadlines, on the bubble's clock.
func TestTheViewWaitsOnTheBubblesClock(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b := udptest.Pair(t)
		view := b.PacketConn()
		start := time.Now()
		ok(t, view.SetReadDeadline(start.Add(time.Hour)))
		buffer := make([]byte, 10)
		_, _, err := view.ReadFrom(buffer)
		if err == nil || time.Since(start) != time.Hour {
			t.Errorf("error %v after %v", err, time.Since(start))
		}
		ok(t, view.SetReadDeadline(time.Time{}))
		ok(t, a.Send(t.Context(), []byte("hi")))
		size, from, err := view.ReadFrom(buffer)
		ok(t, err)
		if string(buffer[:size]) != "hi" || from.String() != a.LocalAddr().String() {
			t.Errorf("%q from %v", buffer[:size], from)
		}
	})
}

// What a socket drains is lost to others, and told.
func TestDrainOnTheNetwork(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n, a, b := two(t, nil)
		send(t, a, at(t, b), "in time")
		done := make(chan error, 1)
		messages := b.Messages()
		go func() { done <- b.Drain(t.Context()) }()
		synctest.Wait()
		send(t, a, at(t, b), "too late")
		same(t, "payload", string((<-messages).Data), "in time")
		_, open := <-messages
		same(t, "open", open, false)
		ok(t, <-done)
		same(t, "lost", conserved(t, n).Lost[udptest.Drained], 1)
	})
}
