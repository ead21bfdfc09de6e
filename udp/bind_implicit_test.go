package udp_test

import (
	"errors"
	"net/netip"
	"syscall"
	"testing"

	"example.com/dgram/udp"
)

// Upstream: parallel/test-dgram-implicit-bind.js
// Upstream: parallel/test-dgram-exclusive-implicit-bind.js
func TestSendersBindTheSocketOnce(t *testing.T) {
	each(t, func(t *testing.T, f family) {
		to := std(t, f)
		s := open(t, f.network)
		const n = 32
		concurrently(n, func(i int) {
			if err := s.SendTo(t.Context(), of(to), []byte("x")); err != nil {
				t.Error(err)
			}
		})
		ended(t, "listening", s.Listening())
		for range n {
			same(t, "port", hear(t, to, "x").Port(), at(t, s).Port())
		}
		other := open(t, f.network)
		send(t, other, of(to), "y")
		if at(t, other).Port() == at(t, s).Port() {
			t.Error("two implicit binds share a port")
		}
	})
}

// Everything that needs an address binds an unbound socket, on every
// interface.
func TestWhatBindsImplicitly(t *testing.T) {
	to := of(std(t, families()[0]))
	for what, f := range map[string]func(s *udp.Socket) error{
		"SendTo":     func(s *udp.Socket) error { return s.SendTo(t.Context(), to) },
		"SendToHost": func(s *udp.Socket) error { return s.SendToHost(t.Context(), to.String()) },
		"SendBatch": func(s *udp.Socket) error {
			_, err := s.SendBatch(t.Context(), []udp.Datagram{{To: to}})
			return err
		},
		"Reply":       func(s *udp.Socket) error { return s.Reply(t.Context(), udp.Message{From: to}) },
		"Outbox":      func(s *udp.Socket) error { s.Outbox(); return nil },
		"SyscallConn": func(s *udp.Socket) error { _, err := s.SyscallConn(); return err },
		"PacketConn":  func(s *udp.Socket) error { s.PacketConn(); return nil },
		"File": func(s *udp.Socket) error {
			f, err := s.File()
			if errors.Is(err, errors.ErrUnsupported) {
				return nil
			}
			if err == nil {
				f.Close()
			}
			return err
		},
	} {
		t.Run(what, func(t *testing.T) {
			s := open(t, "udp4")
			ok(t, f(s))
			ended(t, "listening", s.Listening())
			a := s.LocalAddr()
			if !a.Addr().IsUnspecified() || a.Port() == 0 {
				t.Errorf("bound to %v", a)
			}
		})
	}
}

// What only looks does not bind.
func TestWhatDoesNotBind(t *testing.T) {
	s := open(t, "udp4")
	s.Messages()
	s.Stats()
	s.Unref()
	s.Ref()
	ok(t, s.Flush(t.Context()))
	for range s.All(done()) {
	}
	fails(t, s.Send(t.Context(), []byte("x")), udp.ErrNotConnected, syscall.ENOTCONN)
	fails(t, s.Disconnect(), udp.ErrNotConnected)
	same(t, "peer", s.RemoteAddr(), netip.AddrPort{})
	unbound(t, s)
	_, err := s.Resolve(t.Context(), "127.0.0.1:9")
	ok(t, err)
	unbound(t, s)
}

// Upstream: sequential/test-dgram-implicit-bind-failure.js
func TestFailedImplicitBindIsTriedAgain(t *testing.T) {
	k := newSimKernel(t)
	k.failOpens(syscall.EMFILE, syscall.EMFILE)
	s, err := udp.NewOn(k, "udp4")
	mine(t, s, err)
	for range 2 {
		fails(t, s.SendTo(t.Context(), friend, []byte("lost")), syscall.EMFILE)
		unbound(t, s)
		same(t, "queue", s.SendQueueCount(), 0)
	}
	send(t, s, friend, "found")
	same(t, "sent", k.only().texts(), "[found]")
	empty(t, "errors", s.Errors())
}
