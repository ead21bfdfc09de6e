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
	"fmt"
	"io"
	"strings"

	"example.com/dgram/examples/internal/program"
	"example.com/dgram/udp"
)

func main() { program.Main("dns", run) }

func run(ctx context.Context, args []string, stdout io.Writer) error {
	flags := program.Flags("dns", "DNS answers for one zone, until Ctrl-C.", stdout)
	listen := flags.String("listen", "127.0.0.1:5300", "`address` to serve at")
	name := flags.String("zone", "example.test.", "`name` of the zone")
	var records []string
	flags.Func("record", "a `name=value` of the zone, with an address or a text; may be repeated", func(r string) error {
		records = append(records, r)
		return nil
	})
	if err := program.Parse(flags, args); err != nil {
		return err
	}
	if records == nil {
		records = []string{*name + "=127.0.0.1", "www." + *name + "=192.0.2.80", "www." + *name + "=2001:db8::80", *name + "=hello"}
	}
	z, err := newZone(*name)
	if err != nil {
		return &program.UsageError{Err: err}
	}
	for _, r := range records {
		name, value, _ := strings.Cut(r, "=")
		if err := z.add(name, value); err != nil {
			return program.Usagef("record %q: %w", r, err)
		}
	}

	s, err := udp.Listen(ctx, "udp", *listen)
	if err != nil {
		return err
	}
	defer s.Close()
	local := s.LocalAddr()
	fmt.Fprintf(stdout, "answering for %v at %v\n", z.name, local)
	answered, failed := serve(ctx, s, z)
	fmt.Fprintf(stdout, "%d questions answered, %d failed\n", answered, failed)
	return s.Err()
}

// serve answers until the socket ends. It needs no channel and no second
// goroutine: the loop reads the socket itself.
func serve(ctx context.Context, s *udp.Socket, z *zone) (answered, failed int) {
	for m, err := range s.All(ctx) {
		if err != nil {
			continue // a report about an earlier answer, which cannot be sent again
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
