package kerneltest

import (
	"errors"
	"net"
	"os"
	"runtime"
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
	Check(t, c.SetReadDeadline(time.Unix(1, 0)))
	if err := <-done; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%v, want a deadline", err)
	}
	Check(t, c.SetReadDeadline(time.Time{}))
	send(t, c, "again", Local(t, c))
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
			Check(t, c.Close())
			if err := <-done; !errors.Is(err, net.ErrClosed) {
				t.Errorf("%v, want net.ErrClosed", err)
			}
		})
	}
}

func (s suite) TestAfterCloseEverythingIsClosed(t *testing.T) {
	c := s.loopback(t, "udp4")
	raw := c.SyscallConn()
	Check(t, c.Close())
	d := &kernel.Datagram{Data: []byte("x"), To: Addr("127.0.0.1:9")}
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

// A sink may send while the socket closes.
func (s suite) TestASinkMaySendWhileTheSocketCloses(t *testing.T) {
	c := s.loopback(t, "udp4")
	to := Local(t, s.loopback(t, "udp4"))
	closed := make(chan error, 1)
	r := &recorder{settled: true}
	r.deliver = func() {
		go func() { closed <- c.Close() }()
		for !errors.Is(c.SendTo([]byte("x"), to), net.ErrClosed) {
		}
	}
	send(t, c, "hello", Local(t, c))
	if err := c.Receive(r, false); !errors.Is(err, net.ErrClosed) {
		t.Errorf("%v, want net.ErrClosed", err)
	}
	Check(t, <-closed)
}

// A send beside Close fails, or is complete before the descriptor and the port are
// free for another socket.
func (s suite) TestCloseLeavesNobodyOnTheDescriptor(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows does not give the handle of a closed socket to the next one")
	}
	sink, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(Addr("127.0.0.1:0")))
	Check(t, err)
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
		own := Local(t, c)
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
		Check(t, c.Close())
		heir := s.loopback(t, "udp4") // mostly gets the same descriptor
		heirs[Local(t, heir).Port()] = true
		Check(t, s.open(t, kernel.Config{Network: "udp4", Local: own}).Close())
		if err := group.Wait(); !errors.Is(err, net.ErrClosed) {
			t.Fatalf("%v, want net.ErrClosed", err)
		}
	}
	Check(t, sink.Close())
	for port := range <-heard {
		if heirs[port] && !senders[port] {
			t.Errorf("a datagram from port %d, whose socket sent none", port)
		}
	}
}
