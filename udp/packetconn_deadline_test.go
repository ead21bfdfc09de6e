package udp_test

import (
	"errors"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"example.com/dgram/udp"
)

var deadlineConformance = map[string]func(t *testing.T, c udpConn, peer *net.UDPConn){
	"deadline in the past": func(t *testing.T, c udpConn, peer *net.UDPConn) {
		tell(t, peer, of(c), "here already")
		ok(t, c.SetReadDeadline(time.Now().Add(-time.Second)))
		b := make([]byte, 16)
		for range 3 {
			_, _, err := c.ReadFrom(b)
			expired(t, err)
		}
		ok(t, c.SetReadDeadline(time.Time{}))
		n, _, err := c.ReadFrom(b)
		ok(t, err)
		same(t, "payload", string(b[:n]), "here already")
	},
	"deadline passes": func(t *testing.T, c udpConn, peer *net.UDPConn) {
		ok(t, c.SetDeadline(time.Now().Add(5*time.Millisecond)))
		_, _, err := c.ReadFrom(make([]byte, 1))
		expired(t, err)
		shaped(t, err, "read", "")
		_, err = c.WriteTo([]byte("x"), net.UDPAddrFromAddrPort(of(peer)))
		expired(t, err)
		shaped(t, err, "write", of(peer).String())
		ok(t, c.SetDeadline(time.Time{}))
		_, err = c.WriteTo([]byte("y"), net.UDPAddrFromAddrPort(of(peer)))
		ok(t, err)
		hear(t, peer, "y")
	},
	"deadline wakes a read that waits": func(t *testing.T, c udpConn, _ *net.UDPConn) {
		for range 10 {
			started := make(chan struct{})
			read := later(func() error {
				close(started)
				_, _, err := c.ReadFrom(make([]byte, 1))
				return err
			})
			<-started
			ok(t, c.SetReadDeadline(time.Unix(1, 0)))
			err, _ := take(t, "ReadFrom", read)
			expired(t, err)
			ok(t, c.SetReadDeadline(time.Time{}))
		}
	},
	"deadline is moved": func(t *testing.T, c udpConn, peer *net.UDPConn) {
		ok(t, c.SetReadDeadline(time.Now().Add(20*time.Millisecond)))
		read := make(chan int, 1)
		failed := later(func() error {
			n, _, err := c.ReadFrom(make([]byte, 16))
			read <- n
			return err
		})
		ok(t, c.SetReadDeadline(time.Now().Add(time.Hour)))
		tell(t, peer, of(c), "in time")
		err, _ := take(t, "ReadFrom", failed)
		if isTimeout(err) {
			t.Skip("the machine was away for 20 ms")
		}
		ok(t, err)
		same(t, "length", <-read, 7)
	},
	"Close wakes a read that waits": func(t *testing.T, c udpConn, _ *net.UDPConn) {
		var reads []<-chan error
		for range 3 {
			reads = append(reads, later(func() error { _, _, err := c.ReadFrom(make([]byte, 1)); return err }))
		}
		ok(t, c.Close())
		for _, r := range reads {
			err, _ := take(t, "ReadFrom", r)
			fails(t, err, net.ErrClosed)
			var shape *net.OpError
			if !errors.As(err, &shape) || shape.Op != "read" {
				t.Errorf("%#v", err)
			}
		}
		_, _, err := c.ReadFrom(make([]byte, 1))
		fails(t, err, net.ErrClosed)
		_, err = c.WriteTo([]byte("x"), &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9})
		fails(t, err, net.ErrClosed)
		for _, err := range []error{c.SetDeadline(time.Time{}), c.SetReadDeadline(time.Time{}), c.SetWriteDeadline(time.Time{})} {
			fails(t, err, net.ErrClosed)
		}
	},
}

func expired(t testing.TB, err error) {
	t.Helper()
	fails(t, err, os.ErrDeadlineExceeded)
	if !isTimeout(err) {
		t.Errorf("%v is no timeout", err)
	}
}

func isTimeout(err error) bool {
	var e net.Error
	return errors.As(err, &e) && e.Timeout()
}

// A write that waits for room ends with its deadline, set before or meanwhile, and with
// the socket.
func TestWriteDeadlineEndsAWriteThatWaits(t *testing.T) {
	simulated(t, func(t *testing.T, s *udp.Socket, c *simConn) {
		ok(t, s.Connect(t.Context(), friend.String()))
		c.change(func() { c.space = 0 })
		view := s.PacketConn()
		write := func() error { _, err := view.Write([]byte("x")); return err }
		began := time.Now()
		ok(t, view.SetWriteDeadline(time.Now().Add(time.Second)))
		expired(t, write())
		same(t, "waited", time.Since(began), time.Second)
		for _, end := range []func(){
			func() { ok(t, view.SetWriteDeadline(time.Unix(1, 0))) },
			func() { ok(t, view.Close()) },
		} {
			ok(t, view.SetWriteDeadline(time.Time{}))
			written := later(write)
			synctest.Wait()
			same(t, "queue", s.SendQueueCount(), 1)
			end()
			err := <-written
			if !errors.Is(err, net.ErrClosed) {
				expired(t, err)
			}
		}
		fails(t, write(), net.ErrClosed)
	})
}
