package udp_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"runtime"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"example.com/dgram/udp"
)

// Upstream: parallel/test-dgram-close-signal.js
func TestContextsEndTheSocket(t *testing.T) {
	why := errors.New("enough")
	for what, make := range map[string]func(ctx context.Context) (*udp.Socket, error){
		"New":    func(ctx context.Context) (*udp.Socket, error) { return udp.New("udp4", udp.WithContext(ctx)) },
		"Listen": func(ctx context.Context) (*udp.Socket, error) { return udp.Listen(ctx, "udp4", "127.0.0.1:0") },
		"Dial":   func(ctx context.Context) (*udp.Socket, error) { return udp.Dial(ctx, "udp4", "127.0.0.1:9") },
		"Listen's option": func(ctx context.Context) (*udp.Socket, error) {
			return udp.Listen(t.Context(), "udp4", "127.0.0.1:0", udp.WithContext(t.Context()), udp.WithContext(ctx))
		},
	} {
		t.Run(what, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			leakless(t)
			s, err := make(ctx)
			mine(t, s, err)
			messages := s.Messages()
			waiting := later(s.Wait)
			empty(t, "done", s.Done())
			cancel(why)
			ended(t, "done", s.Done())
			fails(t, s.Err(), why)
			err, _ = take(t, "Wait", waiting)
			fails(t, err, why)
			fails(t, s.Wait(), why)
			ok(t, s.Close())
			fails(t, s.Err(), why)
			drained(t, "messages", messages)
			fails(t, s.SendTo(t.Context(), netip.MustParseAddrPort("127.0.0.1:9")), net.ErrClosed)
		})
	}
	t.Run("a deadline", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			s, err := udp.New("udp4", udp.WithContext(ctx))
			mine(t, s, err)
			fails(t, s.Wait(), context.DeadlineExceeded)
		})
	})
}

// A constructor whose context ends on the way gives that context's error.
func TestContextEndsWhileListenLooksUp(t *testing.T) {
	leakless(t)
	ctx, cancel := context.WithCancel(t.Context())
	s, err := udp.Listen(ctx, "udp4", "name:0", udp.WithLookup(func(ctx context.Context, _, _ string) ([]netip.Addr, error) {
		cancel()
		<-ctx.Done()
		return nil, errors.New("the resolver's own words")
	}))
	if s != nil {
		t.Error("a socket with an error")
	}
	fails(t, err, context.Canceled)
}

// Upstream: parallel/test-dgram-abort-closed.js
func TestContextThatEndsAfterCloseChangesNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := listen(t, "udp4", "127.0.0.1:0", udp.WithContext(ctx))
	ok(t, s.Close())
	cancel()
	runtime.Gosched()
	ok(t, s.Err())
	ok(t, s.Wait())
	same(t, "errors", len(drained(t, "errors", s.Errors())), 0)
}

// Upstream: parallel/test-dgram-close-signal.js
func TestDoneContextOpensNothing(t *testing.T) {
	k := newSimKernel(t)
	for what, err := range map[string]error{
		"New":                second(udp.NewOn(k, "udp4", udp.WithContext(done()))),
		"Listen":             second(udp.ListenOn(done(), k, "udp4", "127.0.0.1:0")),
		"Dial":               second(udp.DialOn(done(), k, "udp4", "127.0.0.1:9")),
		"Listen with option": second(udp.ListenOn(t.Context(), k, "udp4", "127.0.0.1:0", udp.WithContext(done()))),
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", what, err)
		}
	}
	same(t, "sockets opened", len(k.all()), 0)
	for what, err := range map[string]error{
		"Listen": second(udp.Listen(nil, "udp4", "127.0.0.1:0")),
		"Dial":   second(udp.Dial(nil, "udp4", "127.0.0.1:9")),
	} {
		if !errors.Is(err, syscall.EINVAL) {
			t.Errorf("%s, nil: %v", what, err)
		}
	}
}
