package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"example.com/dgram/udp"
)

// standAlone is a server and nothing else.
func standAlone(ctx context.Context, address string, stdout io.Writer) error {
	s, err := listen(ctx, address)
	if err != nil {
		return err
	}
	defer s.Close()
	local := s.LocalAddr()
	fmt.Fprintf(stdout, "serving the time at %v\n", local)
	return serve(ctx, s, 0)
}

// listen makes the server's socket.
func listen(ctx context.Context, address string) (*udp.Socket, error) {
	return open(func(opts ...udp.Option) (*udp.Socket, error) {
		return udp.Listen(ctx, "udp", address, opts...)
	})
}

// serve is the server: its time is the machine's, plus ahead.
func serve(ctx context.Context, s *udp.Socket, ahead time.Duration) error {
	for m := range s.Messages() {
		q, ok := decode(m.Data)
		if !ok || q.mode != client {
			continue // an answer to an answer would never end
		}
		a := q.answer(arrival(m).Add(ahead))
		a.transmitted = stamp(time.Now().Add(ahead)) // as late as can be
		_ = s.Reply(ctx, m, a.encode())              // a client without an answer asks again
	}
	return s.Err()
}
