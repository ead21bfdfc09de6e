package udp_test

import (
	"context"
	"net"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"example.com/dgram/udp"
)

// waits are the calls that send one byte and wait where the send buffer is full.
var waits = map[string]func(ctx context.Context, s *udp.Socket) error{
	"Send":       func(ctx context.Context, s *udp.Socket) error { return s.Send(ctx, []byte("x")) },
	"SendTo":     func(ctx context.Context, s *udp.Socket) error { return s.SendTo(ctx, friend, []byte("x")) },
	"SendToHost": func(ctx context.Context, s *udp.Socket) error { return s.SendToHost(ctx, friend.String(), []byte("x")) },
	"Reply": func(ctx context.Context, s *udp.Socket) error {
		return s.Reply(ctx, udp.Message{From: friend}, []byte("x"))
	},
	"SendBatch": func(ctx context.Context, s *udp.Socket) error {
		_, err := s.SendBatch(ctx, []udp.Datagram{{To: friend, Data: []byte("x")}})
		return err
	},
}

// A send that waits for room ends with its context and with the socket. While it waits
// SendQueueCount and SendQueueSize count it.
func TestSendHeedsItsContext(t *testing.T) {
	for name, send := range waits {
		t.Run(name, func(t *testing.T) {
			simulated(t, func(t *testing.T, s *udp.Socket, c *simConn) {
				if name == "Send" {
					ok(t, s.Connect(t.Context(), friend.String()))
				}
				queued := func(n int) {
					t.Helper()
					synctest.Wait()
					same(t, "queue", s.SendQueueCount(), n)
					same(t, "bytes", s.SendQueueSize(), n)
				}
				fails(t, send(done(), s), context.Canceled)
				fails(t, send(nil, s), syscall.EINVAL)
				c.change(func() { c.space = 0 })
				ctx, cancel := context.WithCancel(t.Context())
				waiting := later(func() error { return send(ctx, s) })
				queued(1)
				cancel()
				fails(t, <-waiting, context.Canceled)
				short, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				fails(t, send(short, s), context.DeadlineExceeded)
				queued(0)
				waiting = later(func() error { return send(t.Context(), s) })
				queued(1)
				c.change(func() { c.space = 1 })
				ok(t, <-waiting)
				queued(0)
				same(t, "sent", c.texts(), "[x]")
			})
		})
	}
}

// A sender that waits for room is not overtaken, whichever way the next one sends.
func TestWaitingSenderIsNotOvertaken(t *testing.T) {
	for name, second := range map[string]func(s *udp.Socket) error{
		"Send":          func(s *udp.Socket) error { return s.Send(context.Background(), []byte("second")) },
		"Send of parts": func(s *udp.Socket) error { return s.Send(context.Background(), []byte("sec"), []byte("ond")) },
		"Write":         func(s *udp.Socket) error { _, err := s.PacketConn().Write([]byte("second")); return err },
		"SendBatch": func(s *udp.Socket) error {
			_, err := s.SendBatch(context.Background(), []udp.Datagram{{Data: []byte("second")}})
			return err
		},
		"Outbox": func(s *udp.Socket) error {
			s.Outbox() <- udp.Datagram{Data: []byte("second")}
			return s.Flush(context.Background())
		},
	} {
		t.Run(name, func(t *testing.T) {
			simulated(t, func(t *testing.T, s *udp.Socket, c *simConn) {
				ok(t, s.Connect(t.Context(), friend.String()))
				c.change(func() { c.space = 0 })
				first := later(func() error { return s.Send(t.Context(), []byte("first")) })
				synctest.Wait()
				c.ease() // there is room, and the first has not heard of it
				next := later(func() error { return second(s) })
				synctest.Wait()
				same(t, "queue", s.SendQueueCount(), 2)
				c.change(func() {})
				ok(t, <-first)
				ok(t, <-next)
				same(t, "sent", c.texts(), "[first second]")
				same(t, "queue", s.SendQueueCount(), 0)
				same(t, "bytes", s.SendQueueSize(), 0)
			})
		})
	}
}

func TestCloseFreesWaitingSenders(t *testing.T) {
	simulated(t, func(t *testing.T, s *udp.Socket, c *simConn) {
		c.change(func() { c.space = 0 })
		var senders []<-chan error
		for name, send := range waits {
			if name != "Send" { // there is no peer
				senders = append(senders, later(func() error { return send(context.Background(), s) }))
			}
		}
		synctest.Wait()
		same(t, "queue", s.SendQueueCount(), len(senders))
		ok(t, s.Close())
		for _, sent := range senders {
			fails(t, <-sent, net.ErrClosed)
		}
		same(t, "queue", s.SendQueueCount(), 0)
		same(t, "bytes", s.SendQueueSize(), 0)
	})
}
