package netlab_test

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"example.com/dgram/internal/netlab"
	"golang.org/x/sys/unix"
)

// acquainted returns a host and sockets of two hosts that know each other's
// Ethernet addresses, so that no lookup has to pass a throttle.
func acquainted(t *testing.T) (lab *netlab.Lab, a *netlab.Host, ca, cb *net.UDPConn) {
	lab = netlab.New(t)
	a, b := lab.Host("a"), lab.Host("b")
	lab.Link(a.Port("eth0", "10.0.0.1/24"), b.Port("eth0", "10.0.0.2/24"))
	ca, cb = listen(t, a, "10.0.0.1:0"), listen(t, b, "10.0.0.2:0")
	send(t, ca, "hello", local(cb))
	receive(t, cb, "hello")
	return lab, a, ca, cb
}

// throttled returns a socket and the address of a peer. Its interface sends the
// first datagram, and no other while a test lasts.
func throttled(t *testing.T, queue int) (*net.UDPConn, netip.AddrPort) {
	lab, a, ca, cb := acquainted(t)
	lab.Must(a.Throttle("eth0", 1, 1600, queue))
	return ca, local(cb)
}

func TestSendsBlockWhenTheSendBufferIsFull(t *testing.T) {
	c, to := throttled(t, 1<<20)
	if err := c.SetWriteBuffer(4608); err != nil {
		t.Fatal(err)
	}
	if err := c.SetWriteDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		_, err := c.WriteToUDPAddrPort(make([]byte, 1000), to)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Error("100 sends did not block")
}

func TestSendsFailWhenTheQueueIsFull(t *testing.T) {
	c, to := throttled(t, 2000)
	setOption(t, c, unix.IPPROTO_IP, unix.IP_RECVERR, 1)
	for range 100 {
		_, err := c.WriteToUDPAddrPort(make([]byte, 1000), to)
		if errors.Is(err, unix.ENOBUFS) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Error("100 sends did not fail")
}

func TestSendsPassAgainWhenTheThrottleIsGone(t *testing.T) {
	lab, a, ca, cb := acquainted(t)
	lab.Must(a.Throttle("eth0", 1, 1, 1<<20)) // a burst of 1 passes nothing
	send(t, ca, "lost", local(cb))
	lab.Must(a.Unthrottle("eth0"))
	send(t, ca, "found", local(cb))
	receive(t, cb, "found")
}
