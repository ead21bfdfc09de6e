package udp_test

import (
	"context"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"example.com/dgram/udp"
)

// jammedSocket is a socket whose send buffer is full, and whom it sends to.
func jammedSocket(t *testing.T) (*udp.Socket, netip.AddrPort) {
	t.Helper()
	lab, a, b := neighbors(t)
	lab.Must(a.Throttle("eth0", 1000, 2000, 1<<20), a.AddNeighbor("eth0", "10.77.0.2", mac(t, b)))
	to := netip.AddrPortFrom(netip.MustParseAddr("10.77.0.2"), 9)
	s := listenOn(t, a, "udp4", "10.77.0.1:0", udp.WithWriteBuffer(4608))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	var err error
	for err == nil {
		err = s.SendTo(ctx, to, make([]byte, 1000))
	}
	fails(t, err, context.DeadlineExceeded)
	return s, to
}

// Close returns, whatever deadlines others set and take back meanwhile: while a reader
// starts, while the Outbox and a Send wait for room.
func TestCloseReturnsWhoeverSetsDeadlines(t *testing.T) {
	rounds := 3
	if *long {
		rounds = 500
	}
	for range rounds {
		s, to := jammedSocket(t)
		v := s.PacketConn()
		var stop atomic.Bool
		setting := make([]<-chan struct{}, 4)
		for i := range setting {
			setting[i] = begin(func() {
				for !stop.Load() {
					_ = v.SetDeadline(time.Time{})
					_ = v.SetWriteDeadline(time.Now().Add(time.Hour))
					_ = v.SetReadDeadline(time.Time{})
				}
			})
		}
		for range 20 {
			s.Outbox() <- udp.Datagram{To: to, Data: make([]byte, 1000)}
		}
		waiting := later(func() error { return s.SendTo(context.Background(), to, make([]byte, 1000)) })
		s.Messages()
		closed := later(s.Close)
		err, _ := take(t, "Close", closed)
		ok(t, err)
		err, _ = take(t, "the sender that waited", waiting)
		fails(t, err, net.ErrClosed)
		stop.Store(true)
		for _, done := range setting {
			<-done
		}
	}
}

// A send that is given up wakes itself and no other: not a write of the view, not one
// through its descriptor.
func TestASendThatIsGivenUpWakesNoOther(t *testing.T) {
	if portable {
		t.Skip("this path looks again from time to time")
	}
	s, to := jammedSocket(t)
	v := s.PacketConn()
	raw, err := v.SyscallConn()
	ok(t, err)
	asked := make(chan struct{}, 1)
	raws := later(func() error {
		return raw.Write(func(uintptr) bool {
			select {
			case asked <- struct{}{}:
			default:
			}
			return false
		})
	})
	take(t, "a write of the descriptor that waits", asked)
	writes := later(func() error { _, err := v.WriteTo(make([]byte, 1000), net.UDPAddrFromAddrPort(to)); return err })
	for range 20 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		if err := s.SendTo(ctx, to, make([]byte, 1000)); err != nil { // the device may take one now and then
			fails(t, err, context.DeadlineExceeded)
		}
		cancel()
	}
	select {
	case err := <-raws:
		t.Errorf("a write of the descriptor that nobody ended: %v", err)
	default:
	}
	s.Close()
	err, _ = take(t, "the view's write", writes)
	if err != nil {
		fails(t, err, net.ErrClosed)
	}
	err, _ = take(t, "the descriptor's write", raws)
	fails(t, err, net.ErrClosed)
}
