package kerneltest

import (
	"errors"
	"net/netip"
	"os"
	"syscall"
	"testing"

	"example.com/dgram/internal/kernel"
)

func (s suite) TestOpenConnects(t *testing.T) {
	peer := s.loopback(t, "udp4")
	for _, from := range []string{"", "0.0.0.0:0", "127.0.0.1:0"} {
		cfg := kernel.Config{Remote: Local(t, peer)}
		if from != "" {
			cfg.Local = Addr(from)
		}
		c := s.open(t, cfg)
		if Local(t, c).Port() == 0 {
			t.Error("no port")
		}
		send(t, c, "hello", netip.AddrPort{})
		want(t, peer, "hello")
	}
}

func (s suite) TestConnectingFiltersAndDisconnectingKeepsTheAddress(t *testing.T) {
	for _, tt := range []struct{ network, local, host string }{
		{"udp4", "0.0.0.0:0", "127.0.0.1"},
		{"udp4", "127.0.0.1:0", "127.0.0.1"},
		{"udp6", "[::]:0", "::1"},
		{"udp6", "[::]:0", "127.0.0.1"},
		{"udp6", "[::1]:0", "::1"},
	} {
		t.Run(tt.network+" "+tt.local+" "+tt.host, func(t *testing.T) {
			c := s.open(t, kernel.Config{Network: tt.network, Local: Addr(tt.local)})
			before := Local(t, c)
			network := "udp4"
			if tt.host == "::1" {
				network = "udp6"
			}
			peer, other := s.loopback(t, network), s.loopback(t, network)
			if err := c.Connect(Local(t, peer)); err != nil {
				t.Skip("no dual-stack sockets: ", err)
			}
			if a, err := c.RemoteAddr(); a != Local(t, peer) || err != nil {
				t.Errorf("connected to %v, %v", a, err)
			}
			if a := Local(t, c); a.Port() != before.Port() {
				t.Errorf("connecting changed the port: %v, was %v", a, before)
			}
			send(t, c, "to the peer", netip.AddrPort{})
			want(t, peer, "to the peer")
			send(t, other, "from another", at(t, tt.host, c))
			send(t, peer, "from the peer", at(t, tt.host, c))
			want(t, c, "from the peer")

			Check(t, c.Disconnect(before))
			if a := Local(t, c); a != before {
				t.Errorf("disconnecting left %v, want %v", a, before)
			}
			if _, err := c.RemoteAddr(); !errors.Is(err, syscall.ENOTCONN) {
				t.Errorf("the peer of none: %v, want ENOTCONN", err)
			}
			send(t, other, "from another", at(t, tt.host, c))
			want(t, c, "from another")
			send(t, c, "to another", Local(t, other))
			want(t, other, "to another")
		})
	}
}

func (s suite) TestAnAddressInUseIsAnError(t *testing.T) {
	c := s.loopback(t, "udp4")
	a := Local(t, c)
	_, err := s.system.Open(kernel.Config{Network: "udp4", Local: a})
	var call *os.SyscallError
	if !errors.Is(err, syscall.EADDRINUSE) || !errors.As(err, &call) {
		t.Errorf("%v, want EADDRINUSE of a system call", err)
	}
	Check(t, c.Close())
	s.open(t, kernel.Config{Local: a})
}

func (s suite) TestReuseSharesThePort(t *testing.T) {
	for name, cfg := range map[string]kernel.Config{
		"ReuseAddr": {Local: Addr("127.0.0.1:0"), ReuseAddr: true},
		"ReusePort": {Local: Addr("127.0.0.1:0"), ReusePort: true},
	} {
		t.Run(name, func(t *testing.T) {
			cfg.Local = Local(t, s.open(t, cfg))
			s.open(t, cfg)
		})
	}
}

func (s suite) TestControlRunsBeforeBind(t *testing.T) {
	var network, address string
	var failed error
	cfg := kernel.Config{Address: "localhost:0", Local: Addr("127.0.0.1:0")}
	cfg.Control = func(n, a string, raw syscall.RawConn) error {
		network, address = n, a
		return raw.Control(func(uintptr) {})
	}
	s.open(t, cfg)
	if network != "udp4" || address != "localhost:0" {
		t.Errorf("Control was called with %q and %q", network, address)
	}
	no := errors.New("no")
	cfg.Control = func(string, string, syscall.RawConn) error { return no }
	if _, failed = s.system.Open(kernel.Config{Network: "udp4", Control: cfg.Control}); !errors.Is(failed, no) {
		t.Errorf("%v, want Control's error", failed)
	}
}
