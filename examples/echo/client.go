package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"example.com/dgram/udp"
)

// ask sends five datagrams to a server, one after the other, and prints how long
// each took to come back.
func ask(ctx context.Context, server string, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second) // UDP promises no answer
	defer cancel()
	c, err := udp.Dial(ctx, "udp", server)
	if err != nil {
		return err
	}
	defer c.Close()
	for i := range 5 {
		began := time.Now()
		if err := c.Send(ctx, fmt.Appendf(nil, "hello %d", i+1)); err != nil {
			return err
		}
		m, err := c.Receive(ctx)
		if err != nil {
			return fmt.Errorf("no answer: %w", err)
		}
		fmt.Fprintf(out, "%s came back after %v\n", m.Data, time.Since(began).Round(time.Microsecond))
	}
	return nil
}
