package udp_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"example.com/dgram/udp"
)

// Upstream: parallel/test-dgram-async-dispose.mjs
func TestCloseIsIdempotent(t *testing.T) {
	each(t, func(t *testing.T, f family) {
		for what, s := range map[string]*udp.Socket{
			"unbound":   open(t, f.network),
			"bound":     listen(t, f.network, f.local()),
			"connected": dial(t, f.network, deserted(t, f)),
		} {
			t.Run(what, func(t *testing.T) {
				empty(t, "done", s.Done())
				ok(t, s.Err())
				for range 2 {
					door(t, "Close", func() { ok(t, s.Close()) })
					ended(t, "done", s.Done())
					ok(t, s.Err())
					ok(t, s.Wait())
				}
				concurrently(8, func(int) {
					if err := s.Close(); err != nil {
						t.Error(err)
					}
				})
			})
		}
	})
}

// After Close every call that returns an error returns net.ErrClosed.
func TestClosedSocketAnswersErrClosed(t *testing.T) {
	each(t, func(t *testing.T, f family) {
		to := deserted(t, f)
		for what, s := range map[string]*udp.Socket{
			"unbound":   open(t, f.network),
			"bound":     listen(t, f.network, f.local()),
			"connected": dial(t, f.network, to),
		} {
			t.Run(what, func(t *testing.T) {
				ctx := t.Context()
				view := s.PacketConn()
				ok(t, s.Close())
				two := func(_ any, err error) error { return err }
				for name, err := range map[string]error{
					"Bind":                    s.Bind(ctx, f.local()),
					"Bind, bad port":          s.Bind(ctx, ":99999"),
					"Connect":                 s.Connect(ctx, to.String()),
					"Disconnect":              s.Disconnect(),
					"Send":                    s.Send(ctx, []byte("x")),
					"SendTo":                  s.SendTo(ctx, to, []byte("x")),
					"SendTo nobody":           s.SendTo(ctx, netip.AddrPort{}),
					"SendToHost":              s.SendToHost(ctx, to.String()),
					"Reply":                   s.Reply(ctx, udp.Message{From: to}),
					"SendBatch":               two(s.SendBatch(ctx, []udp.Datagram{{To: to}})),
					"SendBatch, 0":            two(s.SendBatch(ctx, nil)),
					"Flush":                   s.Flush(ctx),
					"Resolve":                 two(s.Resolve(ctx, to.String())),
					"SetBroadcast":            s.SetBroadcast(true),
					"SetTTL":                  s.SetTTL(1),
					"SetTTL, bad":             s.SetTTL(1000),
					"TTL":                     two(s.TTL()),
					"SetTOS":                  s.SetTOS(0),
					"SetReadBuffer":           s.SetReadBuffer(10000),
					"ReadBuffer":              two(s.ReadBuffer()),
					"SetWriteBuffer":          s.SetWriteBuffer(10000),
					"WriteBuffer":             two(s.WriteBuffer()),
					"File":                    two(s.File()),
					"SyscallConn":             two(s.SyscallConn()),
					"view's Read":             two(view.Read(make([]byte, 1))),
					"view's Write":            two(view.Write(nil)),
					"view's WriteTo":          two(view.WriteTo(nil, net.UDPAddrFromAddrPort(to))),
					"view's SetDeadline":      view.SetDeadline(time.Now()),
					"view's SetReadDeadline":  view.SetReadDeadline(time.Now()),
					"view's SetWriteDeadline": view.SetWriteDeadline(time.Now()),
					"a later view's Read":     two(s.PacketConn().Read(make([]byte, 1))),
				} {
					if !errors.Is(err, net.ErrClosed) {
						t.Errorf("%s: %v, want net.ErrClosed", name, err)
						continue
					}
					var shape *net.OpError
					if errors.As(err, &shape) {
						shaped(t, err, shape.Op, "")
					} else {
						t.Errorf("%s: %T, want *net.OpError", name, err)
					}
				}
				fails(t, view.Close(), net.ErrClosed)
				ok(t, s.Close())
				ok(t, s.Wait())
				same(t, "queue", s.SendQueueCount(), 0)
				same(t, "bytes", s.SendQueueSize(), 0)
				same(t, "network", s.Network(), f.network)
				s.Stats()
				s.Ref()
				s.Unref()
				for range s.All(ctx) {
					t.Error("All yielded")
				}
				same(t, "messages", len(drained(t, "messages", s.Messages())), 0)
				same(t, "errors", len(drained(t, "errors", s.Errors())), 0)
			})
		}
	})
}

func TestCloseNeedsNoReader(t *testing.T) {
	for _, overflow := range []udp.Overflow{udp.OverflowBlock, udp.OverflowDropNewest, udp.OverflowDropOldest} {
		for _, buffer := range []int{0, 1, 16} {
			f := families()[0]
			s := listen(t, f.network, f.local(), udp.WithMessageBuffer(buffer), udp.WithErrorBuffer(0), udp.WithOverflow(overflow))
			s.Messages()
			from := std(t, f)
			for range 50 {
				tell(t, from, at(t, s), "nobody receives")
			}
			door(t, "Close", func() { s.Close() })
		}
	}
}

func TestChannelsCloseOnceAndTogether(t *testing.T) {
	f := families()[0]
	s := listen(t, f.network, f.local())
	messages, errs := s.Messages(), s.Errors()
	tell(t, std(t, f), at(t, s), "a", "b")
	eventually(t, "both are received", func() bool { return s.Stats().Waiting == 2 })
	ok(t, s.Close())
	rest := drained(t, "messages", messages)
	same(t, "messages after the end", len(rest), 2)
	same(t, "the first", string(rest[0].Data), "a")
	same(t, "errors", len(drained(t, "errors", errs)), 0)
	ended(t, "done", s.Done())
}

// Err says why before a channel tells that the socket has ended.
func TestCauseComesBeforeTheChannelsClose(t *testing.T) {
	why := errors.New("enough")
	for range 50 {
		ctx, cancel := context.WithCancelCause(t.Context())
		s := listen(t, "udp4", "127.0.0.1:0", udp.WithContext(ctx))
		closing := begin(func() { cancel(why) })
		drained(t, "messages", s.Messages())
		fails(t, s.Err(), why)
		ended(t, "cancel", closing)
		<-s.Done()
	}
}

func second[T any](_ T, err error) error { return err }

func TestCloseWhileAReaderWaits(t *testing.T) {
	everyReading(t, func(t *testing.T, f family, read func(testing.TB, *udp.Socket) reading) {
		for i := range 10 {
			s := open(t, f.network)
			if i > 0 { // the first is never bound, but for the view
				ok(t, s.Bind(t.Context(), f.local()))
			}
			in := start(t, read(t, s))
			door(t, "Close", func() { s.Close() })
			same(t, "messages", len(drained(t, "messages", in.messages)), 0)
		}
	})
}

// Upstream: parallel/test-dgram-unref.js
// Upstream: parallel/test-dgram-ref.js
func TestWaitHeedsRef(t *testing.T) {
	s := listen(t, "udp4", "127.0.0.1:0")
	s.Unref()
	s.Unref()
	door(t, "Wait", func() { ok(t, s.Wait()) })
	s.Ref()
	s.Ref()
	waiting := later(s.Wait)
	s.SetTTL(3)
	empty(t, "Wait", waiting)
	s.Unref() // while it waits
	err, _ := take(t, "Wait", waiting)
	ok(t, err)
	s.Ref()
	waiting = later(s.Wait)
	empty(t, "Wait", waiting)
	ok(t, s.Close())
	err, _ = take(t, "Wait", waiting)
	ok(t, err)
	s.Ref()
	s.Unref()
	ok(t, s.Wait())

	unbound := open(t, "udp4")
	unbound.Unref()
	door(t, "Wait", func() { ok(t, unbound.Wait()) })
}

// An idle socket owns next to nothing: no goroutine, before it is read.
//
// Upstream: parallel/test-dgram-ref.js
func TestUnreadSocketHasNoGoroutine(t *testing.T) {
	leakless(t)
	before := runtime.NumGoroutine()
	for range 100 {
		listen(t, "udp4", "127.0.0.1:0")
	}
	if now := runtime.NumGoroutine(); now > before+10 {
		t.Errorf("%d goroutines for 100 sockets", now-before)
	}
}
