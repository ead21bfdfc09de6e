// Echo sends every datagram back to whoever sent it.
//
//	go run ./examples/echo                          a server, and a client that asks it
//	go run ./examples/echo -listen 127.0.0.1:41234  a server, until Ctrl-C
//	go run ./examples/echo -dial 127.0.0.1:41234    a client
//
// Other programs can talk to the server too:
//
//	nc -u 127.0.0.1 41234
//	socat - UDP:127.0.0.1:41234
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"example.com/dgram/udp"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout)
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return
	}
	fmt.Fprintln(os.Stderr, "echo:", err)
	if errors.As(err, new(usageError)) {
		os.Exit(2)
	}
	os.Exit(1)
}

// A usageError is the fault of the command line.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func run(ctx context.Context, args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("echo", flag.ContinueOnError)
	flags.SetOutput(stdout)
	flags.Usage = func() {
		fmt.Fprintln(stdout, "Echo sends every datagram back to whoever sent it.")
		fmt.Fprintln(stdout, "Without flags, a server and a client talk on the loopback interface.")
		flags.PrintDefaults()
	}
	listen := flags.String("listen", "", "serve at this `address` until interrupted")
	dial := flags.String("dial", "", "ask the server at this `address`")
	count := flags.Int("n", 5, "`times` to ask")
	wait := flags.Duration("wait", time.Second, "`time` after which an answer is lost")
	if err := flags.Parse(args); err != nil {
		return usageError{err}
	}
	var err error
	switch {
	case flags.NArg() > 0:
		return usageError{fmt.Errorf("what is %q?", flags.Arg(0))}
	case *listen != "" && *dial != "":
		return usageError{errors.New("-listen and -dial exclude each other")}
	case *listen != "":
		err = serve(ctx, *listen, stdout)
	case *dial != "":
		err = ask(ctx, *dial, *count, *wait, stdout)
	default:
		err = demo(ctx, *count, *wait, stdout)
	}
	if ctx.Err() != nil {
		return nil // Ctrl-C is how this program is meant to end
	}
	return err
}

// demo is a server and a client in one.
func demo(ctx context.Context, count int, wait time.Duration, stdout io.Writer) error {
	// The context of Listen is the life of the socket. Closing the socket is
	// the other way to end it, and waits for what belongs to it.
	server, err := udp.Listen(ctx, "udp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer server.Close()
	go echo(ctx, server)
	address, err := server.LocalAddr()
	if err != nil {
		return err
	}
	return ask(ctx, address.String(), count, wait, stdout)
}

// serve is the server.
func serve(ctx context.Context, address string, stdout io.Writer) error {
	s, err := udp.Listen(ctx, "udp", address)
	if err != nil {
		return err
	}
	defer s.Close()
	local, err := s.LocalAddr()
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "listening on %v\n", local)
	failed := echo(ctx, s)
	stats := s.Stats()
	fmt.Fprintf(stdout, "%d datagrams received, %d sent back, %d failed\n", stats.Received, stats.Sent, failed)
	return s.Err()
}

// echo answers until the socket ends. An answer that cannot be sent must not
// end a server: anybody can write any address into a datagram.
func echo(ctx context.Context, s *udp.Socket) (failed int) {
	for m := range s.Messages() {
		if s.Reply(ctx, m, m.Data) != nil && ctx.Err() == nil {
			failed++
		}
		m.Release() // the bytes may be used again: faster, and optional
	}
	return failed
}

// ask sends one question after the other and prints how long each answer took.
func ask(ctx context.Context, address string, count int, wait time.Duration, stdout io.Writer) error {
	c, err := udp.Dial(ctx, "udp", address)
	if err != nil {
		return err
	}
	defer c.Close()
	lost := 0
	for i := range count {
		question := fmt.Appendf(nil, "hello %d", i+1)
		took, err := roundTrip(ctx, c, question, wait)
		switch {
		case errors.Is(err, context.DeadlineExceeded):
			lost++
			fmt.Fprintf(stdout, "%s is lost\n", question)
		case err != nil:
			return err
		default:
			fmt.Fprintf(stdout, "%s came back after %v\n", question, took.Round(time.Microsecond))
		}
	}
	if lost > 0 {
		return fmt.Errorf("%d of %d are lost", lost, count)
	}
	return nil
}

// roundTrip sends a question and waits for the answer: UDP promises none.
func roundTrip(ctx context.Context, c *udp.Socket, question []byte, wait time.Duration) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	start := time.Now()
	if err := c.Send(ctx, question); err != nil {
		return 0, err
	}
	for {
		select {
		case m, ok := <-c.Messages():
			if !ok {
				return 0, c.Err()
			}
			if bytes.Equal(m.Data, question) { // else a late answer
				return time.Since(start), nil
			}
		case err, ok := <-c.Errors():
			if ok { // that nobody listens there, most likely
				return 0, err
			}
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}
