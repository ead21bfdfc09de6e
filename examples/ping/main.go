// Ping measures round trips to an echo server: how long, how many are lost, and
// how much they vary.
//
//	go run ./examples/ping                                    a server on loopback
//	go run ./examples/ping -to 192.0.2.1:7 -n 100 -every 10ms any echo server
//
// It measures twice: with Send, which hands each datagram to the kernel before it
// returns, and through the Outbox, where a goroutine does that. The first is the
// shorter way for one datagram, the second for many at once.
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
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
	fmt.Fprintln(os.Stderr, "ping:", err)
	if errors.As(err, new(usageError)) {
		os.Exit(2)
	}
	os.Exit(1)
}

// A usageError is the fault of the command line.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// header is what a probe begins with: who measures, and the number of the
// probe. The times stay here, so that no answer can lie about them.
const header = 16

// options are what the command line says.
type options struct {
	to    string
	over  string
	count int
	size  int
	every time.Duration
	wait  time.Duration
	drop  int
	live  bool
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	var o options
	flags := flag.NewFlagSet("ping", flag.ContinueOnError)
	flags.SetOutput(stdout)
	flags.Usage = func() {
		fmt.Fprintln(stdout, "Ping measures round trips to an echo server, one on loopback unless -to says otherwise.")
		flags.PrintDefaults()
	}
	flags.StringVar(&o.to, "to", "", "`address` of an echo server")
	flags.StringVar(&o.over, "over", "both", "`way` to send: send, outbox, or both")
	flags.IntVar(&o.count, "n", 1000, "`probes` to send each way")
	flags.IntVar(&o.size, "size", 64, "`bytes` in a probe")
	flags.DurationVar(&o.every, "every", time.Millisecond, "`time` between probes")
	flags.DurationVar(&o.wait, "wait", time.Second, "`time` after which the last probe is lost")
	flags.IntVar(&o.drop, "drop", 0, "the server on loopback drops each `n`th probe")
	flags.BoolVar(&o.live, "live", terminal(stdout), "show how far it is")
	if err := flags.Parse(args); err != nil {
		return usageError{err}
	}
	ways := []string{o.over}
	switch {
	case flags.NArg() > 0:
		return usageError{fmt.Errorf("what is %q?", flags.Arg(0))}
	case o.over == "both":
		ways = []string{"send", "outbox"}
	case o.over != "send" && o.over != "outbox":
		return usageError{fmt.Errorf("there is no way %q", o.over)}
	}
	if o.count < 1 || o.every <= 0 || o.size < header || o.size > 65507 {
		return usageError{fmt.Errorf("there must be a probe, time between probes, and %d to 65507 bytes in each", header)}
	}
	if o.to == "" {
		server, err := echo(ctx, o.drop)
		if err != nil {
			return err
		}
		defer server.Close()
		address, err := server.LocalAddr()
		if err != nil {
			return err
		}
		o.to = address.String()
	}
	answered := 0
	for _, way := range ways {
		fmt.Fprintf(stdout, "%s: %d probes of %d bytes, one every %v, over %s\n", o.to, o.count, o.size, o.every, way)
		r, err := measure(ctx, o, way, stdout)
		if err != nil && ctx.Err() == nil {
			return err
		}
		r.print(stdout)
		answered += len(r.trips)
		if ctx.Err() != nil {
			return nil // Ctrl-C: what there is has been printed
		}
	}
	if answered == 0 {
		return errors.New("no answers")
	}
	return nil
}

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
			if ok { // nobody listens there: now, or only for a while
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

// enqueue puts a probe into the Outbox, unless the socket has ended and nobody
// receives there any more.
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
