package kerneltest

import (
	"errors"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"example.com/dgram/internal/kernel"
)

// throttled returns a socket whose datagrams stay in its send buffer, which is
// full.
func (s suite) throttled(t *testing.T) (kernel.Conn, kernel.Datagram, func()) {
	c, peer, slow, fast := s.neighbours(t)
	send(t, c, "hello", Local(t, peer)) // so that the hosts know each other's Ethernet addresses
	want(t, peer, "hello")
	slow()
	d := kernel.Datagram{Data: make([]byte, 1000), To: Local(t, peer)}
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

func (s suite) TestSendWaitSends(t *testing.T) {
	a, b := s.loopback(t, "udp4"), s.loopback(t, "udp4")
	Check(t, a.SendWait(&kernel.Datagram{Data: []byte("x"), To: Local(t, b)}, nil, nil))
	want(t, b, "x")
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
		start := time.Now()
		time.AfterFunc(calm, func() { close(stop) })
		if err := c.SendWait(&d, nil, stop); !errors.Is(err, kernel.ErrStopped) {
			t.Errorf("%v, want ErrStopped", err)
		}
		if took := time.Since(start); took < calm/2 || took > patience {
			t.Errorf("it took %v", took)
		}
	}
}

func (s suite) TestSendWaitThatWasStoppedBeforeSendsNothing(t *testing.T) {
	c, d, _ := s.throttled(t)
	stop := make(chan struct{})
	close(stop)
	for range 2 {
		if err := c.SendWait(&d, nil, stop); !errors.Is(err, kernel.ErrStopped) {
			t.Errorf("%v, want ErrStopped", err)
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
	Check(t, c.Close())
	if err := <-done; !errors.Is(err, net.ErrClosed) {
		t.Errorf("%v, want net.ErrClosed", err)
	}
}
