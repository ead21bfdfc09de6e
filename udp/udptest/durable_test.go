package udptest_test

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"example.com/dgram/udp"
	"example.com/dgram/udp/udptest"
)

// Every call of a socket that waits, waits durably: the bubble sees that, its
// clock goes on, and what ends the call ends it. A wait under a mutex would stop
// the clock.
func TestEveryWaitIsDurable(t *testing.T) {
	stuck := []udptest.LinkOption{udptest.Rate(1, 1<<30)} // a byte a second
	full := func(t *testing.T, s *udp.Socket) {           // fills the send buffer
		for range 10 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			_ = s.SendTo(ctx, netip.MustParseAddrPort("192.0.2.2:7"), make([]byte, 2000))
			cancel()
		}
	}
	blocked := func(ctx context.Context, _, _ string) (none []netip.Addr, err error) { //nolint:unparam // the shape of a lookup
		<-ctx.Done()
		return none, ctx.Err()
	}
	to := netip.MustParseAddrPort("192.0.2.2:7")
	for name, call := range map[string]func(ctx context.Context, t *testing.T, s *udp.Socket) error{
		"Receive": func(ctx context.Context, t *testing.T, s *udp.Socket) error {
			_, err := s.Receive(ctx)
			return err
		},
		"two Receives": func(ctx context.Context, t *testing.T, s *udp.Socket) error {
			go s.Receive(ctx)
			synctest.Wait()
			_, err := s.Receive(ctx)
			return err
		},
		"ReceiveBatch": func(ctx context.Context, t *testing.T, s *udp.Socket) error {
			_, err := s.ReceiveBatch(ctx, make([]udp.Message, 2))
			return err
		},
		"All": func(ctx context.Context, t *testing.T, s *udp.Socket) error {
			for range s.All(ctx) {
			}
			return cmp.Or(ctx.Err(), net.ErrClosed)
		},
		"All beside Receive": func(ctx context.Context, t *testing.T, s *udp.Socket) error {
			go s.Receive(ctx)
			synctest.Wait()
			for range s.All(ctx) {
			}
			return cmp.Or(ctx.Err(), net.ErrClosed)
		},
		"Messages": func(ctx context.Context, t *testing.T, s *udp.Socket) error {
			_, err := receive(ctx, s)
			return err
		},
		"a full channel": func(ctx context.Context, t *testing.T, s *udp.Socket) error {
			s.Messages()
			for range 100 {
				if err := s.SendTo(ctx, s.LocalAddr(), []byte("x")); err != nil {
					return err
				}
			}
			<-ctx.Done()
			return ctx.Err()
		},
		"SendTo": func(ctx context.Context, t *testing.T, s *udp.Socket) error {
			full(t, s)
			return s.SendTo(ctx, to, []byte("x"))
		},
		"two SendTos": func(ctx context.Context, t *testing.T, s *udp.Socket) error {
			full(t, s)
			go s.SendTo(ctx, to, []byte("x"))
			synctest.Wait()
			return s.SendTo(ctx, to, []byte("x"))
		},
		"SendBatch": func(ctx context.Context, t *testing.T, s *udp.Socket) error {
			full(t, s)
			_, err := s.SendBatch(ctx, []udp.Datagram{{To: to}, {To: to}})
			return err
		},
		"Flush": func(ctx context.Context, t *testing.T, s *udp.Socket) error {
			full(t, s)
			for range 10 {
				s.Outbox() <- udp.Datagram{To: to, Data: make([]byte, 100)}
			}
			return s.Flush(ctx)
		},
		"SendToHost": func(ctx context.Context, t *testing.T, s *udp.Socket) error {
			return s.SendToHost(ctx, "nowhere:7")
		},
		"Connect": func(ctx context.Context, t *testing.T, s *udp.Socket) error {
			return s.Connect(ctx, "nowhere:7")
		},
		"two Connects": func(ctx context.Context, t *testing.T, s *udp.Socket) error {
			go s.Connect(ctx, "nowhere:7")
			synctest.Wait()
			return s.Connect(ctx, "192.0.2.2:7")
		},
		"Resolve": func(ctx context.Context, t *testing.T, s *udp.Socket) error {
			_, err := s.Resolve(ctx, "nowhere:7")
			return err
		},
		"Drain": func(ctx context.Context, t *testing.T, s *udp.Socket) error {
			if err := s.SendTo(ctx, s.LocalAddr(), []byte("that nobody takes")); err != nil {
				return err
			}
			return s.Drain(ctx)
		},
		"the view": func(ctx context.Context, t *testing.T, s *udp.Socket) error {
			view := s.PacketConn()
			until, _ := ctx.Deadline()
			if err := view.SetDeadline(until); err != nil {
				return err
			}
			_, _, err := view.ReadFrom(make([]byte, 1))
			return err
		},
		"two reads of the view": func(ctx context.Context, t *testing.T, s *udp.Socket) error {
			view := s.PacketConn()
			go view.ReadFrom(make([]byte, 1))
			synctest.Wait()
			time.AfterFunc(19*time.Minute, func() { view.SetReadDeadline(time.Unix(1, 0)) })
			_, _, err := view.ReadFrom(make([]byte, 1))
			return err
		},
		"a write of the view": func(ctx context.Context, t *testing.T, s *udp.Socket) error {
			full(t, s)
			view := s.PacketConn()
			until, _ := ctx.Deadline()
			if err := view.SetDeadline(until); err != nil {
				return err
			}
			_, err := view.WriteTo([]byte("x"), net.UDPAddrFromAddrPort(to))
			return err
		},
	} {
		for _, end := range []string{"its own end", "Close"} {
			t.Run(name+", "+end, func(t *testing.T) {
				guard := time.AfterFunc(30*time.Second, func() { panic("the bubble's clock stands still: " + t.Name()) })
				defer guard.Stop()
				bubble(t, func(t *testing.T) {
					n := udptest.NewNetwork(t)
					a, b := n.Host("192.0.2.1"), n.Host("192.0.2.2")
					n.Link(a, b, stuck...)
					s, err := a.Listen(context.Background(), "udp4", "192.0.2.1:7", udp.WithWriteBuffer(1), udp.WithLookup(blocked))
					ok(t, err)
					ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
					defer cancel()
					result := make(chan error, 1)
					go func() { result <- call(ctx, t, s) }()
					time.Sleep(time.Minute) // passes at all
					synctest.Wait()
					select {
					case err := <-result:
						t.Fatalf("it does not wait: %v", err)
					default:
					}
					if end == "Close" {
						ok(t, s.Close())
						cancel()
					}
					err = <-result
					var timeout net.Error
					switch {
					case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
						same(t, "ended by", "its own end", end)
					case errors.Is(err, net.ErrClosed), errors.Is(err, context.Canceled), err != nil && name == "Messages":
						same(t, "ended by", "Close", end)
					default:
						t.Errorf("error %v", err)
					}
				})
			})
		}
	}
}
