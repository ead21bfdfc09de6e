package kerneltest

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"runtime"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"example.com/dgram/internal/kernel"
)

func (s suite) TestADeadlineWakesAReader(t *testing.T) {
	c := s.loopback(t, "udp4")
	done := make(chan error, 1)
	go func() { done <- c.Receive(&recorder{}, false) }()
	time.Sleep(calm / 10)
	check(t, c.SetReadDeadline(time.Unix(1, 0)))
	if err := <-done; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%v, want a deadline", err)
	}
	check(t, c.SetReadDeadline(time.Time{}))
	send(t, c, "again", local(t, c))
	want(t, c, "again")
}

func (s suite) TestCloseWakesAReader(t *testing.T) {
	for name, read := range map[string]func(kernel.Conn) error{
		"Receive": func(c kernel.Conn) error { return c.Receive(&recorder{}, false) },
		"ReadMsg": func(c kernel.Conn) error {
			_, _, _, err := c.ReadMsg(make([]byte, 9), nil, new(kernel.Packet))
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := s.loopback(t, "udp4")
			done := make(chan error, 1)
			go func() { done <- read(c) }()
			time.Sleep(calm / 10)
			check(t, c.Close())
			if err := <-done; !errors.Is(err, net.ErrClosed) {
				t.Errorf("%v, want net.ErrClosed", err)
			}
		})
	}
}

func (s suite) TestAfterCloseEverythingIsClosed(t *testing.T) {
	c := s.loopback(t, "udp4")
	raw := c.SyscallConn()
	check(t, c.Close())
	d := &kernel.Datagram{Data: []byte("x"), To: addr("127.0.0.1:9")}
	for name, err := range map[string]error{
		"Receive":         c.Receive(&recorder{}, false),
		"SetReadDeadline": c.SetReadDeadline(time.Now()),
		"SendTo":          c.SendTo(d.Data, d.To),
		"Send":            c.Send(d, nil),
		"SendWait":        c.SendWait(d, nil, nil),
		"SendBatch":       second(c.SendBatch([]kernel.Datagram{*d})),
		"Connect":         c.Connect(d.To),
		"Disconnect":      c.Disconnect(d.To),
		"LocalAddr":       second(c.LocalAddr()),
		"RemoteAddr":      second(c.RemoteAddr()),
		"Index":           second(c.Index("1")),
		"SetOption":       c.SetOption(kernel.TTL, 3),
		"Option":          second(c.Option(kernel.TTL)),
		"Close":           c.Close(),
		"RawConn.Control": raw.Control(func(uintptr) {}),
		"RawConn.Read":    raw.Read(func(uintptr) bool { return true }),
	} {
		if !errors.Is(err, net.ErrClosed) {
			t.Errorf("%s: %v, want net.ErrClosed", name, err)
		}
	}
	if _, err := c.Dup(); !errors.Is(err, net.ErrClosed) && !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("Dup: %v, want net.ErrClosed", err)
	}
	if n := c.Discard(); n != 0 {
		t.Errorf("Discard: %d", n)
	}
}

func second[T any](_ T, err error) error { return err }

func (s suite) TestConnectingFiltersAndDisconnectingKeepsTheAddress(t *testing.T) {
	for _, tt := range []struct{ network, local, host string }{
		{"udp4", "0.0.0.0:0", "127.0.0.1"},
		{"udp4", "127.0.0.1:0", "127.0.0.1"},
		{"udp6", "[::]:0", "::1"},
		{"udp6", "[::]:0", "127.0.0.1"},
		{"udp6", "[::1]:0", "::1"},
	} {
		t.Run(tt.network+" "+tt.local+" "+tt.host, func(t *testing.T) {
			c := s.open(t, kernel.Config{Network: tt.network, Local: addr(tt.local)})
			before := local(t, c)
			network := "udp4"
			if tt.host == "::1" {
				network = "udp6"
			}
			peer, other := s.loopback(t, network), s.loopback(t, network)
			if err := c.Connect(local(t, peer)); err != nil {
				t.Skip("no dual-stack sockets: ", err)
			}
			if a, err := c.RemoteAddr(); a != local(t, peer) || err != nil {
				t.Errorf("connected to %v, %v", a, err)
			}
			if a := local(t, c); a.Port() != before.Port() {
				t.Errorf("connecting changed the port: %v, was %v", a, before)
			}
			send(t, c, "to the peer", netip.AddrPort{})
			want(t, peer, "to the peer")
			send(t, other, "from another", at(t, tt.host, c))
			send(t, peer, "from the peer", at(t, tt.host, c))
			want(t, c, "from the peer")

			check(t, c.Disconnect(before))
			if a := local(t, c); a != before {
				t.Errorf("disconnecting left %v, want %v", a, before)
			}
			if _, err := c.RemoteAddr(); !errors.Is(err, syscall.ENOTCONN) {
				t.Errorf("the peer of none: %v, want ENOTCONN", err)
			}
			send(t, other, "from another", at(t, tt.host, c))
			want(t, c, "from another")
			send(t, c, "to another", local(t, other))
			want(t, other, "to another")
		})
	}
}

func (s suite) TestOpenConnects(t *testing.T) {
	peer := s.loopback(t, "udp4")
	for _, from := range []string{"", "0.0.0.0:0", "127.0.0.1:0"} {
		cfg := kernel.Config{Remote: local(t, peer)}
		if from != "" {
			cfg.Local = addr(from)
		}
		c := s.open(t, cfg)
		if local(t, c).Port() == 0 {
			t.Error("no port")
		}
		send(t, c, "hello", netip.AddrPort{})
		want(t, peer, "hello")
	}
}

func (s suite) TestAnAddressInUseIsAnError(t *testing.T) {
	c := s.loopback(t, "udp4")
	a := local(t, c)
	_, err := s.system.Open(kernel.Config{Network: "udp4", Local: a})
	var call *os.SyscallError
	if !errors.Is(err, syscall.EADDRINUSE) || !errors.As(err, &call) {
		t.Errorf("%v, want EADDRINUSE of a system call", err)
	}
	check(t, c.Close())
	s.open(t, kernel.Config{Local: a})
}

func (s suite) TestReuseSharesThePort(t *testing.T) {
	for name, cfg := range map[string]kernel.Config{
		"ReuseAddr": {Local: addr("127.0.0.1:0"), ReuseAddr: true},
		"ReusePort": {Local: addr("127.0.0.1:0"), ReusePort: true},
	} {
		t.Run(name, func(t *testing.T) {
			cfg.Local = local(t, s.open(t, cfg))
			s.open(t, cfg)
		})
	}
}

func (s suite) TestControlRunsBeforeBind(t *testing.T) {
	var network, address string
	var failed error
	cfg := kernel.Config{Address: "localhost:0", Local: addr("127.0.0.1:0")}
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

func (s suite) TestSendWaitSends(t *testing.T) {
	a, b := s.loopback(t, "udp4"), s.loopback(t, "udp4")
	check(t, a.SendWait(&kernel.Datagram{Data: []byte("x"), To: local(t, b)}, nil, nil))
	want(t, b, "x")
}

// throttled returns a socket whose datagrams stay in its send buffer, which is
// full.
func (s suite) throttled(t *testing.T) (kernel.Conn, kernel.Datagram, func()) {
	c, peer, slow, fast := s.neighbours(t)
	send(t, c, "hello", local(t, peer)) // they get to know each other
	want(t, peer, "hello")
	slow()
	d := kernel.Datagram{Data: make([]byte, 1000), To: local(t, peer)}
	for range 100 {
		switch err := c.Send(&d, nil); {
		case errors.Is(err, syscall.EAGAIN):
			return c, d, fast
		case err != nil:
			t.Fatal(err)
		}
	}
	t.Fatal("100 sends did not fill the buffer")
	return nil, d, nil
}

func (s suite) TestAFullBufferIsEAGAIN(t *testing.T) {
	c, d, _ := s.throttled(t)
	n, err := c.SendBatch([]kernel.Datagram{d, d})
	var call *os.SyscallError
	if n != 0 || !errors.Is(err, syscall.EAGAIN) || !errors.As(err, &call) || !kernel.WouldBlock(err) {
		t.Errorf("%d sent, %v, want EAGAIN of a system call", n, err)
	}
}

func (s suite) TestSendWaitStops(t *testing.T) {
	c, d, _ := s.throttled(t)
	for range 2 {
		stop := make(chan struct{})
		time.AfterFunc(calm, func() { close(stop) })
		start := time.Now()
		if err := c.SendWait(&d, nil, stop); !errors.Is(err, kernel.ErrStopped) {
			t.Errorf("%v, want ErrStopped", err)
		}
		if took := time.Since(start); took < calm/2 || took > patience {
			t.Errorf("it took %v", took)
		}
	}
}

func (s suite) TestSendWaitWaitsForRoom(t *testing.T) {
	c, d, unthrottle := s.throttled(t)
	done := make(chan error, 1)
	go func() { done <- c.SendWait(&d, nil, nil) }()
	time.Sleep(calm)
	unthrottle()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func (s suite) TestCloseWakesASender(t *testing.T) {
	c, d, _ := s.throttled(t)
	done := make(chan error, 1)
	go func() { done <- c.SendWait(&d, nil, nil) }()
	time.Sleep(calm)
	check(t, c.Close())
	if err := <-done; !errors.Is(err, net.ErrClosed) {
		t.Errorf("%v, want net.ErrClosed", err)
	}
}

func (s suite) TestDiscardCounts(t *testing.T) {
	a, b := s.loopback(t, "udp4"), s.loopback(t, "udp4")
	for _, s := range []string{"1", "", "a longer one"} {
		send(t, a, s, local(t, b))
	}
	switch n := b.Discard(); n {
	case 3:
		silent(t, b)
	case 0:
		t.Skip("this system cannot count")
	default:
		t.Errorf("%d, want 3", n)
	}
}

func (s suite) TestDiscardLeavesASharedBufferAlone(t *testing.T) {
	c := s.loopback(t, "udp4")
	f, err := c.Dup()
	check(t, err)
	defer f.Close()
	send(t, c, "kept", local(t, c))
	if n := c.Discard(); n != 0 {
		t.Errorf("%d, want 0", n)
	}
	want(t, c, "kept")
}

// What a datagram is handed to may send, even if the socket closes meanwhile.
func (s suite) TestASinkMaySendWhileTheSocketCloses(t *testing.T) {
	c := s.loopback(t, "udp4")
	to := local(t, s.loopback(t, "udp4"))
	closed := make(chan error, 1)
	r := &recorder{settled: true}
	r.deliver = func() {
		go func() { closed <- c.Close() }()
		for !errors.Is(c.SendTo([]byte("x"), to), net.ErrClosed) {
		}
	}
	send(t, c, "hello", local(t, c))
	if err := c.Receive(r, false); !errors.Is(err, net.ErrClosed) {
		t.Errorf("%v, want net.ErrClosed", err)
	}
	check(t, <-closed)
}

// Whoever sends while the socket closes is turned away, or done before the
// descriptor and the port are free for another socket.
func (s suite) TestCloseLeavesNobodyOnTheDescriptor(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows does not give the handle of a closed socket to the next one")
	}
	sink, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(addr("127.0.0.1:0")))
	check(t, err)
	to := sink.LocalAddr().(*net.UDPAddr).AddrPort()
	heard := make(chan map[uint16]bool)
	go func() {
		from := map[uint16]bool{}
		for {
			_, a, err := sink.ReadFromUDPAddrPort(nil)
			if err != nil {
				heard <- from
				return
			}
			from[a.Port()] = true
		}
	}()
	senders, heirs := map[uint16]bool{}, map[uint16]bool{}
	for range 25 {
		c := s.loopback(t, "udp4")
		own := local(t, c)
		senders[own.Port()] = true
		var group errgroup.Group
		started := make(chan struct{}, 3)
		for _, send := range []func() error{
			func() error { return c.SendTo([]byte("x"), to) },
			func() error { return c.Send(&kernel.Datagram{More: [][]byte{nil}, To: to}, nil) },
			func() error { return second(c.SendBatch([]kernel.Datagram{{To: to}, {To: to}})) },
		} {
			group.Go(func() error {
				for first := true; ; first = false {
					if err := send(); err != nil {
						return err
					}
					if first {
						started <- struct{}{}
					}
				}
			})
		}
		for range cap(started) {
			<-started
		}
		check(t, c.Close())
		heir := s.loopback(t, "udp4") // mostly with the same descriptor
		heirs[local(t, heir).Port()] = true
		check(t, s.open(t, kernel.Config{Network: "udp4", Local: own}).Close())
		if err := group.Wait(); !errors.Is(err, net.ErrClosed) {
			t.Fatalf("%v, want net.ErrClosed", err)
		}
	}
	check(t, sink.Close())
	for port := range <-heard {
		if heirs[port] && !senders[port] {
			t.Errorf("a datagram from port %d, whose socket sent none", port)
		}
	}
}
