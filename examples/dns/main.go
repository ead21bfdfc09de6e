// DNS answers for one zone, with authority.
//
//	go run ./examples/dns                 the zone example.test at 127.0.0.1:5300, until Ctrl-C
//	go run ./examples/dns -zone my.home. -record my.home.=10.0.0.1 -record nas.my.home.=10.0.0.5
//
// To ask it:
//
//	dig @127.0.0.1 -p 5300 www.example.test
//
// With -listen :5300 it has every address of the machine, and answers from the
// one that was asked. Resolvers drop answers from any other.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"example.com/dgram/udp"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout)
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return
	}
	fmt.Fprintln(os.Stderr, "dns:", err)
	if errors.As(err, new(usageError)) {
		os.Exit(2)
	}
	os.Exit(1)
}

// A usageError is the fault of the command line.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func run(ctx context.Context, args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("dns", flag.ContinueOnError)
	flags.SetOutput(stdout)
	flags.Usage = func() {
		fmt.Fprintln(stdout, "DNS answers for one zone, until Ctrl-C.")
		flags.PrintDefaults()
	}
	listen := flags.String("listen", "127.0.0.1:5300", "`address` to serve at")
	name := flags.String("zone", "example.test.", "`name` of the zone")
	var records []string
	flags.Func("record", "a `name=value` of the zone, with an address or a text; may be repeated", func(r string) error {
		records = append(records, r)
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return usageError{err}
	}
	if flags.NArg() > 0 {
		return usageError{fmt.Errorf("what is %q?", flags.Arg(0))}
	}
	if records == nil {
		records = []string{*name + "=127.0.0.1", "www." + *name + "=192.0.2.80", "www." + *name + "=2001:db8::80", *name + "=hello"}
	}
	z, err := newZone(*name)
	if err != nil {
		return usageError{err}
	}
	for _, r := range records {
		name, value, _ := strings.Cut(r, "=")
		if err := z.add(name, value); err != nil {
			return usageError{fmt.Errorf("record %q: %w", r, err)}
		}
	}

	s, err := udp.Listen(ctx, "udp", *listen)
	if err != nil {
		return err
	}
	defer s.Close()
	local, err := s.LocalAddr()
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "answering for %v at %v\n", z.name, local)
	answered, failed := serve(ctx, s, z)
	fmt.Fprintf(stdout, "%d questions answered, %d failed\n", answered, failed)
	if ctx.Err() != nil {
		return nil // Ctrl-C
	}
	return s.Err()
}

// serve answers until the socket ends. It needs no channel and no second
// goroutine: the loop reads the socket itself.
func serve(ctx context.Context, s *udp.Socket, z *zone) (answered, failed int) {
	for m, err := range s.All(ctx) {
		if err != nil {
			continue // about an earlier answer: nobody waits for it any more
		}
		answer, ok := z.answer(m.Data)
		m.Release()
		switch {
		case !ok: // not a question
		case s.Reply(ctx, m, answer) == nil:
			answered++
		case ctx.Err() == nil:
			failed++
		}
	}
	return answered, failed
}
