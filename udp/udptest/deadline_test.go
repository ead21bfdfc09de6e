package udptest_test

import (
	"context"
	"errors"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"example.com/dgram/udp"
	"example.com/dgram/udp/udptest"
)

// A datagram that arrives at the instant at which a read's deadline passes is
// received by the read, whichever of the two timers fires first.
func TestAReadTakesWhatArrivesAtItsDeadline(t *testing.T) {
	for name, read := range map[string]func(ctx context.Context, s *udp.Socket) error{
		"Receive": func(ctx context.Context, s *udp.Socket) error {
			_, err := s.Receive(ctx)
			return err
		},
		"ReceiveBatch": func(ctx context.Context, s *udp.Socket) error {
			_, err := s.ReceiveBatch(ctx, make([]udp.Message, 4))
			return err
		},
		"the view": func(ctx context.Context, s *udp.Socket) error {
			until, _ := ctx.Deadline()
			view := s.PacketConn()
			if err := view.SetReadDeadline(until); err != nil {
				return err
			}
			_, _, err := view.ReadFrom(make([]byte, 9))
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				p := tickApart(t)
				for range 300 {
					send(t, p.a, at(t, p.b), "x")
					ctx, cancel := context.WithTimeout(t.Context(), tick)
					ok(t, read(ctx, p.b))
					synctest.Wait()
					fails(t, ctx.Err(), context.DeadlineExceeded)
					cancel()
				}
				send(t, p.a, at(t, p.b), "x")
				ctx, cancel := context.WithTimeout(t.Context(), tick-1)
				defer cancel()
				if err := read(ctx, p.b); !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("error %v of a read that ends before the arrival", err)
				}
			})
		})
	}
}

func TestAReadTellsARefusalThatArrivesAtItsDeadline(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := tickApart(t)
		ok(t, p.a.Connect(t.Context(), "192.0.2.2:9"))
		for range 300 {
			ok(t, p.a.Send(t.Context(), []byte("x")))
			ctx, cancel := context.WithTimeout(t.Context(), 2*tick)
			_, err := p.a.Receive(ctx)
			fails(t, err, syscall.ECONNREFUSED)
			cancel()
			time.Sleep(time.Second) // a host tells one sender of one refusal in a second
		}
	})
}

func TestASendLeavesWhenRoomComesAtItsDeadline(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n, a, b := two(t, []udptest.LinkOption{udptest.Rate(1000, 1<<20)}, udp.WithWriteBuffer(1))
		b.Messages()
		for range 300 {
			for range 2 { // fill the buffer
				ok(t, a.SendTo(t.Context(), at(t, b), make([]byte, 1000)))
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second) // until the first has left
			ok(t, a.SendTo(ctx, at(t, b), make([]byte, 1000)))
			cancel()
			ctx, cancel = context.WithTimeout(t.Context(), time.Second-1)
			fails(t, a.SendTo(ctx, at(t, b), make([]byte, 1000)), context.DeadlineExceeded)
			cancel()
			time.Sleep(time.Minute)
		}
		same(t, "datagrams sent", n.Totals().Sent, 900)
	})
}
