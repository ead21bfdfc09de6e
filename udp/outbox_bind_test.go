package udp_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"syscall"
	"testing"

	"example.com/dgram/udp"
)

// Upstream: sequential/test-dgram-implicit-bind-failure.js
func TestOutboxTriesTheBindAgain(t *testing.T) {
	k := newSimKernel(t)
	k.failOpens(syscall.EMFILE, syscall.EMFILE)
	s, err := udp.NewOn(k, "udp4")
	mine(t, s, err)
	outbox := s.Outbox() // the first failure
	err, _ = take(t, "error", s.Errors())
	fails(t, err, syscall.EMFILE)
	shaped(t, err, "bind", "")
	outbox <- udp.Datagram{Data: []byte("lost"), To: friend} // the second
	err, _ = take(t, "error", s.Errors())
	fails(t, err, syscall.EMFILE)
	if failed, is := errors.AsType[*udp.SendError](err); !is || failed.To != friend || failed.Bytes != 4 {
		t.Errorf("%v", err)
	}
	outbox <- udp.Datagram{Data: []byte("found"), To: friend}
	ok(t, s.Flush(t.Context()))
	same(t, "sent", k.only().texts(), "[found]")
	same(t, "SendDropped", s.Stats().SendDropped, 1)
}

// IPv4 and IPv6 queued before the socket has a family: the first to be bound for
// settles it, and the other is an error.
func TestFamiliesQueuedOnAFreshSocket(t *testing.T) {
	k := newSimKernel(t)
	k.failOpens(syscall.EMFILE)
	s, err := udp.NewOn(k, "udp")
	mine(t, s, err)
	out := s.Outbox() // does not get a socket
	err, _ = take(t, "error", s.Errors())
	fails(t, err, syscall.EMFILE)
	out <- udp.Datagram{Data: []byte("4"), To: friend}
	out <- udp.Datagram{Data: []byte("6"), To: netip.MustParseAddrPort("[2001:db8::1]:9")}
	ok(t, s.Flush(t.Context()))
	err, _ = take(t, "error", s.Errors())
	fails(t, err, udp.ErrAddressFamily)
	same(t, "sent", k.only().texts(), "[4]")
	same(t, "dropped", s.Stats().SendDropped, 1)
}

// Outbox does not wait for a Bind of another goroutine. What is queued meanwhile is sent,
// also when that Bind fails.
func TestOutboxDoesNotWaitForABind(t *testing.T) {
	for _, answers := range [][]netip.Addr{{friend.Addr()}, nil} {
		k := newSimKernel(t)
		asked, answer := make(chan struct{}), make(chan struct{})
		s, err := udp.NewOn(k, "udp4", udp.WithLookup(func(context.Context, string, string) ([]netip.Addr, error) {
			close(asked)
			<-answer
			return answers, nil
		}))
		mine(t, s, err)
		bound := later(func() error { return s.Bind(t.Context(), "name:0") })
		ended(t, "lookup", asked)
		door(t, "Outbox", func() {
			for i := range 3 {
				s.Outbox() <- udp.Datagram{Data: fmt.Append(nil, i), To: friend}
			}
		})
		close(answer)
		err, _ = take(t, "Bind", bound)
		same(t, "bound", err == nil, answers != nil)
		ok(t, s.Flush(t.Context()))
		same(t, "sent", k.only().texts(), "[0 1 2]")
		empty(t, "errors", s.Errors())
	}
}
