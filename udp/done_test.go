package udp_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"time"

	"example.com/dgram/udp"
)

// A context that ends gives its error and its cause, when it is done before the call and
// when it ends during a lookup.
func TestADoneContextGivesItsErrorAndItsCause(t *testing.T) {
	cause := errors.New("enough")
	for _, network := range []string{"udp", "udp4", "udp6"} {
		done, cancel := context.WithCancelCause(t.Context())
		cancel(cause)
		_, err := udp.New(network, udp.WithContext(done))
		fails(t, err, context.Canceled, cause)
		for name, call := range map[string]func(context.Context, string, string, ...udp.Option) (*udp.Socket, error){"Listen": udp.Listen, "Dial": udp.Dial} {
			_, err := call(done, network, "127.0.0.1:9")
			fails(t, err, context.Canceled, cause)
			for range 20 {
				ctx, cancel := context.WithCancelCause(t.Context())
				lookup := func(ctx context.Context, _, _ string) ([]netip.Addr, error) {
					cancel(cause)
					<-ctx.Done()
					return nil, ctx.Err()
				}
				s, err := call(ctx, network, "name:9", udp.WithLookup(lookup))
				if s != nil {
					t.Fatalf("%s has made a socket", name)
				}
				fails(t, err, context.Canceled, cause)
			}
		}
	}
}

// The calls that read say in net's shape that the stream is over.
func TestTheEndOfTheStreamHasNetsShape(t *testing.T) {
	each(t, func(t *testing.T, f family) {
		s := listen(t, f.network, f.local())
		s.TryReceive()
		for _, sentinel := range []error{udp.ErrDrained, net.ErrClosed} {
			if sentinel == udp.ErrDrained {
				ok(t, s.Drain(t.Context()))
			} else {
				ok(t, s.Close())
			}
			_, err := s.Receive(t.Context())
			fails(t, err, net.ErrClosed, sentinel)
			shaped(t, err, "read", at(t, s).String())
			_, err = s.ReceiveBatch(t.Context(), make([]udp.Message, 1))
			fails(t, err, net.ErrClosed, sentinel)
			shaped(t, err, "read", at(t, s).String())
		}
	})
}

// What the network reports of a view's datagram names, as package net does, the network
// that was asked for and the system call that the caller knows.
func TestARefusalOfAViewHasNetsShape(t *testing.T) {
	f := families()[0]
	kernelConnects(t, f)
	view := dial(t, "udp", deserted(t, f)).PacketConn()
	ok(t, view.SetReadDeadline(time.Now().Add(soon)))
	_, err := view.Write([]byte("anybody"))
	ok(t, err)
	_, _, err = view.ReadFrom(make([]byte, 1))
	var call *os.SyscallError
	var shape *net.OpError
	if !errors.Is(err, syscall.ECONNREFUSED) || !errors.As(err, &call) || call.Syscall != "recvfrom" || !errors.As(err, &shape) || shape.Net != "udp" {
		t.Errorf("%v", err)
	}
}

// After its end a view names the destination of a write, and Close the cause.
func TestAViewThatHasEndedSaysWhyAndWhereTo(t *testing.T) {
	f := families()[0]
	ctx, cancel := context.WithCancelCause(t.Context())
	s, err := udp.Listen(ctx, "udp", f.local())
	ok(t, err)
	view := s.PacketConn()
	cancel(errors.New("enough"))
	<-s.Done()
	to := netip.AddrPortFrom(f.loopback, 9)
	_, err = view.WriteToUDPAddrPort(nil, to)
	shaped(t, err, "write", "->"+to.String())
	fails(t, view.Close(), net.ErrClosed, context.Cause(ctx))
}
