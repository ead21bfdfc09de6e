package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"example.com/dgram/udp"
)

// ask prints what each answer says about the clocks, and what the best of them
// does: the one that was on its way for the shortest time.
func ask(ctx context.Context, address string, count int, every, wait time.Duration, stdout io.Writer) error {
	c, err := open(func(opts ...udp.Option) (*udp.Socket, error) {
		return udp.Dial(ctx, "udp", address, opts...)
	})
	if err != nil {
		return err
	}
	defer c.Close()
	var best *sample
	for i := range count {
		if i > 0 {
			select {
			case <-time.After(every):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		s, err := exchange(ctx, c, wait)
		if errors.Is(err, context.DeadlineExceeded) {
			fmt.Fprintln(stdout, "no answer")
			continue
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(stdout, "offset %v, delay %v\n", s.offset, s.delay)
		if best == nil || s.delay < best.delay {
			best = &s
		}
	}
	if best == nil {
		return errors.New("the server does not answer")
	}
	direction := [...]string{"behind", "the same", "ahead"}[1+cmp.Compare(best.offset, 0)]
	fmt.Fprintf(stdout, "the server's clock is %v %s, give or take %v\n", best.offset.Abs(), direction, best.delay/2)
	return nil
}

// exchange is one question and its answer.
func exchange(ctx context.Context, c *udp.Socket, wait time.Duration) (sample, error) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	q := question()
	sent := time.Now()
	if err := c.Send(ctx, q.encode()); err != nil {
		return sample{}, err
	}
	for {
		m, err := c.Receive(ctx)
		if err != nil {
			return sample{}, err // ctx has ended, or the server's machine refuses
		}
		if a, ok := decode(m.Data); ok && a.answers(q) {
			return a.sample(sent, arrival(m))
		}
	}
}
