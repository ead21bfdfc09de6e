package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"example.com/dgram/udp"
)

// measure sends the probes of one way, one every tick, and takes the answers as
// they come: one goroutine does both.
func measure(ctx context.Context, o options, way string, stdout io.Writer) (report, error) {
	r := report{out: make(map[uint64]time.Time, o.count)}
	s, err := udp.Dial(ctx, "udp", o.to)
	if err != nil {
		return r, err
	}
	defer s.Close()
	send := s.Send
	if way == "outbox" {
		send = func(ctx context.Context, parts ...[]byte) error { return enqueue(ctx, s, parts[0]) }
	}
	var me [8]byte
	rand.Read(me[:])
	tick := time.NewTicker(o.every)
	defer tick.Stop()
	second := time.NewTicker(time.Second)
	defer second.Stop()
	if o.live {
		defer fmt.Fprint(stdout, "\r\x1b[K") // the report takes the place of the progress
	}
	late := make(<-chan time.Time) // never, until the last probe is out
	for r.sent < o.count || len(r.out) > 0 {
		select {
		case <-tick.C:
			probe := make([]byte, o.size) // the Outbox keeps it
			copy(probe, me[:])
			binary.BigEndian.PutUint64(probe[8:], uint64(r.sent))
			r.left(uint64(r.sent))
			if err := send(ctx, probe); err != nil {
				return r, err
			}
			if r.sent == o.count {
				tick.Stop()
				late = time.After(o.wait)
			}
		case m, ok := <-s.Messages():
			now := time.Now()
			if !ok {
				return r, s.Err()
			}
			if len(m.Data) == o.size && bytes.Equal(m.Data[:8], me[:]) {
				r.came(binary.BigEndian.Uint64(m.Data[8:]), now)
			}
			m.Release()
		case _, ok := <-s.Errors():
			if ok { // no socket has the port, for now or for good
				r.refused++
			}
		case <-second.C:
			if o.live {
				fmt.Fprintf(stdout, "\r%d of %d sent, %d back", r.sent, o.count, len(r.trips))
			}
		case <-late:
			return r, nil
		case <-ctx.Done():
			return r, ctx.Err()
		}
	}
	return r, nil
}

// enqueue puts a probe into the Outbox. It fails when the socket has ended.
func enqueue(ctx context.Context, s *udp.Socket, probe []byte) error {
	select {
	case s.Outbox() <- udp.Datagram{Data: probe}:
		return nil
	case <-s.Done():
		return s.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// echo is a server that drops each nth datagram.
func echo(ctx context.Context, n int) (*udp.Socket, error) {
	s, err := udp.Listen(ctx, "udp4", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	go func() {
		i := 0
		for m := range s.Messages() {
			if i++; n == 0 || i%n != 0 {
				_ = s.Reply(ctx, m, m.Data) // lost like any other
			}
			m.Release()
		}
	}()
	return s, nil
}
