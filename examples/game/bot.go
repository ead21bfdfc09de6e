package main

import (
	"context"
	"time"

	"example.com/dgram/udp"
)

// play is a player that walks in a circle of its own until ctx ends. It sends a
// move when it is shown the world, and one to begin with.
func play(ctx context.Context, server string, number int) error {
	s, err := udp.Dial(ctx, "udp", server)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	defer s.Close()
	again := time.NewTicker(time.Second) // the first move, or the answer, may be lost
	defer again.Stop()
	for turn := number; ; turn++ {
		dx, dy := byte(turn%3), byte(turn%5)
		if err := s.Send(ctx, []byte{dx - 1, dy - 2}); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		select {
		case m, ok := <-s.Messages():
			if !ok {
				return nil
			}
			m.Release()
		case <-again.C:
		case <-ctx.Done():
			return nil
		}
	}
}
