package udp_test

import (
	"context"
	"net"
	"net/netip"
	"syscall"
	"testing"

	"example.com/dgram/udp"
)

// Upstream: parallel/test-dgram-connect.js
// Upstream: parallel/test-dgram-connect-sync.js
func TestConnectedSocketHasOnePeer(t *testing.T) {
	each(t, func(t *testing.T, f family) {
		peer := std(t, f)
		s := open(t, f.network)
		empty(t, "connected", s.Connected())
		ok(t, s.Connect(t.Context(), of(peer).String()))
		connected := s.Connected()
		ended(t, "connected", connected)
		ended(t, "listening", s.Listening())

		a := s.RemoteAddr()
		same(t, "peer", a, of(peer))

		err := s.Connect(t.Context(), of(peer).String())
		fails(t, err, udp.ErrAlreadyConnected, syscall.EISCONN)
		shaped(t, err, "connect", of(peer).String())

		ok(t, s.Disconnect())
		again := s.Connected()
		empty(t, "connected", again)
		ended(t, "the channel of the last connection", connected)
		err = s.Disconnect()
		fails(t, err, udp.ErrNotConnected, syscall.ENOTCONN)
		shaped(t, err, "disconnect", "")
		same(t, "peer", s.RemoteAddr(), netip.AddrPort{})
		fails(t, s.Send(t.Context()), udp.ErrNotConnected)

		ok(t, s.Connect(t.Context(), of(peer).String()))
		ended(t, "connected again", again)
		send(t, s, netip.AddrPort{}, "again")
		hear(t, peer, "again")
	})
}

// Linux alone forgets a port that it had chosen.
func TestDisconnectKeepsTheAddress(t *testing.T) {
	each(t, func(t *testing.T, f family) {
		for _, address := range []string{":0", f.local(), "implicit"} {
			t.Run(address, func(t *testing.T) {
				peer, stranger := std(t, f), std(t, f)
				s := open(t, f.network)
				if address != "implicit" {
					ok(t, s.Bind(t.Context(), address))
				}
				ok(t, s.Connect(t.Context(), of(peer).String()))
				port := at(t, s).Port()
				for range 3 {
					ok(t, s.Disconnect())
					same(t, "port", at(t, s).Port(), port)
					tell(t, stranger, at(t, s), "from a stranger")
					expect(t, s, "from a stranger")
					send(t, s, of(stranger), "to a stranger")
					same(t, "sender's port", hear(t, stranger, "to a stranger").Port(), port)
					ok(t, s.Connect(t.Context(), of(peer).String()))
				}
			})
		}
	})
}

// Nothing but the peer is a destination, whatever the address.
func TestConnectedSocketTakesNoDestination(t *testing.T) {
	each(t, func(t *testing.T, f family) {
		peer := std(t, f)
		s := dial(t, f.network, of(peer))
		for _, to := range []netip.AddrPort{
			of(peer),
			{},
			netip.AddrPortFrom(f.loopback, 0),
			netip.AddrPortFrom(netip.Addr{}, 9),
			netip.MustParseAddrPort("[::1]:9"),
			netip.MustParseAddrPort("127.0.0.1:9"),
		} {
			fails(t, s.SendTo(t.Context(), to, []byte("x")), udp.ErrAlreadyConnected, syscall.EISCONN)
			fails(t, s.SendToHost(t.Context(), to.String(), []byte("x")), udp.ErrAlreadyConnected)
			if to.IsValid() {
				n, err := s.SendBatch(t.Context(), []udp.Datagram{{Data: []byte("fine")}, {Data: []byte("x"), To: to}})
				fails(t, err, udp.ErrAlreadyConnected)
				same(t, "sent", n, 1)
				hear(t, peer, "fine")
			}
		}
		fails(t, s.SendToHost(t.Context(), "no such host", []byte("x")), udp.ErrAlreadyConnected)
		send(t, s, netip.AddrPort{}, "only this")
		hear(t, peer, "only this")
	})
}

// While one Connect looks a name up, another waits, and gives up in time.
func TestConnectWaitsItsTurn(t *testing.T) {
	f := families()[0]
	asked, answer := make(chan struct{}, 1), make(chan struct{})
	s := open(t, f.network, udp.WithLookup(func(context.Context, string, string) ([]netip.Addr, error) {
		asked <- struct{}{}
		<-answer
		return []netip.Addr{f.loopback}, nil
	}))
	first := later(func() error { return s.Connect(t.Context(), "name:9") })
	take(t, "lookup", asked)
	ctx, cancel := context.WithCancel(t.Context())
	impatient := later(func() error { return s.Bind(ctx, f.local()) })
	patient := later(func() error { return s.Connect(t.Context(), "127.0.0.1:9") })
	cancel()
	err, _ := take(t, "Bind", impatient)
	fails(t, err, context.Canceled)
	close(answer)
	errs := make([]error, 2)
	errs[0], _ = take(t, "first Connect", first)
	errs[1], _ = take(t, "second Connect", patient)
	ok(t, errs[0])
	fails(t, errs[1], udp.ErrAlreadyConnected)
}

// A socket that the kernel cannot connect keeps what it has.
func TestFailedConnectLeavesTheSocketAsItWas(t *testing.T) {
	f := families()[0]
	s := listen(t, f.network, f.local())
	before := at(t, s)
	// Without SO_BROADCAST the kernel refuses.
	err := s.Connect(t.Context(), "255.255.255.255:9")
	if err == nil {
		t.Skip("the system connects to a broadcast address")
	}
	shaped(t, err, "connect", "255.255.255.255:9")
	same(t, "address", at(t, s), before)
	same(t, "peer", s.RemoteAddr(), netip.AddrPort{})
	empty(t, "connected", s.Connected())
	send(t, s, before, "as before")
	expect(t, s, "as before")
}

func TestDialGivesNothingOpenWhenItFails(t *testing.T) {
	leakless(t)
	for _, address := range []string{"127.0.0.1:0", "127.0.0.1", "[::1]:9", "255.255.255.255:9"} {
		s, err := udp.Dial(t.Context(), "udp4", address)
		if err == nil && address == "255.255.255.255:9" {
			s.Close()
			continue
		}
		if err == nil || s != nil {
			t.Errorf("%s: %v, %v", address, s, err)
		}
		shaped(t, err, "connect", address)
	}
	_, err := udp.Dial(done(), "udp4", "127.0.0.1:9")
	fails(t, err, context.Canceled)
	_, err = udp.Dial(nil, "udp4", "127.0.0.1:9")
	fails(t, err, syscall.EINVAL)
}

// Refusals are news about an earlier datagram: none that is sent afterwards is
// lost for them.
func TestRefusalsCostNoDatagram(t *testing.T) {
	each(t, func(t *testing.T, f family) {
		kernelConnects(t, f)
		to := deserted(t, f)
		s := dial(t, f.network, to)
		refusals := 0
		for range 200 {
			send(t, s, netip.AddrPort{}, "anybody?")
			for more := true; more; {
				select {
				case err := <-s.Errors():
					fails(t, err, syscall.ECONNREFUSED)
					shaped(t, err, "read", to.String())
					refusals++
				default:
					more = false
				}
			}
		}
		st := s.Stats()
		same(t, "sent", st.Sent, 200)
		if refusals == 0 {
			t.Error("nobody refused")
		}

		c, err := net.ListenUDP(f.network, net.UDPAddrFromAddrPort(to))
		if err != nil {
			t.Skipf("somebody else has the port: %v", err)
		}
		defer c.Close()
		send(t, s, netip.AddrPort{}, "at last")
		b := make([]byte, 16)
		n, err := c.Read(b)
		ok(t, err)
		same(t, "payload", string(b[:n]), "at last")
		ok(t, s.Err())
	})
}

// Upstream: parallel/test-dgram-oob-buffer.js
func TestUnconnectedSocketHearsNoRefusals(t *testing.T) {
	each(t, func(t *testing.T, f family) {
		s := listen(t, f.network, f.local())
		s.Messages()
		for _, payload := range [][]byte{{}, make([]byte, 4)[4:], nil, []byte("anybody?")} {
			ok(t, s.SendTo(t.Context(), deserted(t, f), payload))
		}
		send(t, s, at(t, s), "me")
		expect(t, s, "me")
		ok(t, s.Close())
		same(t, "errors", len(drained(t, "errors", s.Errors())), 0)
		same(t, "errors", s.Stats().Errors, 0)
	})
}

// Upstream: parallel/test-dgram-connect.js
func TestReplyOnConnectedSocketGoesToThePeer(t *testing.T) {
	f := families()[0]
	peer, stranger := std(t, f), std(t, f)
	s := dial(t, f.network, of(peer))
	ok(t, s.Reply(t.Context(), udp.Message{From: of(stranger)}, []byte("to the peer")))
	hear(t, peer, "to the peer")
}

// What was queued before Connect and Disconnect is not lost by them.
func TestConnectLosesNothingThatWasReceived(t *testing.T) {
	f := families()[0]
	peer := std(t, f)
	s := listen(t, f.network, f.local())
	tell(t, peer, at(t, s), "before")
	ok(t, s.Connect(t.Context(), of(peer).String()))
	tell(t, peer, at(t, s), "while connected")
	ok(t, s.Disconnect())
	tell(t, peer, at(t, s), "after")
	expect(t, s, "before", "while connected", "after")
}
