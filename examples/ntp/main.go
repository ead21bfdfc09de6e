// NTP asks a time server how far this machine's clock is off, or is one (SNTP,
// RFC 4330).
//
//	go run ./examples/ntp                        a server whose clock is ahead, and a client
//	go run ./examples/ntp -query pool.ntp.org    ask a server on the internet
//	go run ./examples/ntp -listen 127.0.0.1:1123 serve this machine's time, until Ctrl-C
//
// What a clock is worth depends on when a datagram arrived, not on when the
// program came to look at it: the kernel's receive times are used where the
// system has them.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
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
	fmt.Fprintln(os.Stderr, "ntp:", err)
	if errors.As(err, new(usageError)) {
		os.Exit(2)
	}
	os.Exit(1)
}

// A usageError is the fault of the command line.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func run(ctx context.Context, args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("ntp", flag.ContinueOnError)
	flags.SetOutput(stdout)
	flags.Usage = func() {
		fmt.Fprintln(stdout, "NTP asks a time server how far this machine's clock is off, or is one.")
		fmt.Fprintln(stdout, "Without flags it does both, on the loopback interface.")
		flags.PrintDefaults()
	}
	at := flags.String("listen", "", "serve the time at this `address` until interrupted")
	query := flags.String("query", "", "ask the server at this `address`; the port is 123 unless given")
	ahead := flags.Duration("ahead", 250*time.Millisecond, "how much the clock of the demonstration's server is `off`")
	count := flags.Int("n", 4, "`times` to ask")
	every := flags.Duration("every", 2*time.Second, "`time` between questions to -query: servers dislike haste")
	wait := flags.Duration("wait", time.Second, "`time` after which an answer is lost")
	if err := flags.Parse(args); err != nil {
		return usageError{err}
	}
	var err error
	switch {
	case flags.NArg() > 0:
		return usageError{fmt.Errorf("what is %q?", flags.Arg(0))}
	case *count < 1:
		return usageError{errors.New("ask at least once")}
	case *at != "" && *query != "":
		return usageError{errors.New("-listen and -query exclude each other")}
	case *at != "":
		err = standAlone(ctx, *at, stdout)
	case *query != "":
		address := *query
		if _, _, err := net.SplitHostPort(address); err != nil {
			address = net.JoinHostPort(address, "123")
		}
		err = ask(ctx, address, *count, *every, *wait, stdout)
	default:
		err = demo(ctx, *ahead, *count, *wait, stdout)
	}
	if ctx.Err() != nil {
		return nil // Ctrl-C
	}
	return err
}

// standAlone is a server and nothing else.
func standAlone(ctx context.Context, address string, stdout io.Writer) error {
	s, err := listen(ctx, address)
	if err != nil {
		return err
	}
	defer s.Close()
	local, err := s.LocalAddr()
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "serving the time at %v\n", local)
	return serve(ctx, s, 0)
}

// demo asks a server of its own.
func demo(ctx context.Context, ahead time.Duration, count int, wait time.Duration, stdout io.Writer) error {
	s, err := listen(ctx, "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer s.Close()
	go serve(ctx, s, ahead)
	address, err := s.LocalAddr()
	if err != nil {
		return err
	}
	return ask(ctx, address.String(), count, 0, wait, stdout)
}

// open makes a socket that knows when the kernel received what it receives, or
// else one that does not.
func open(make func(...udp.Option) (*udp.Socket, error)) (*udp.Socket, error) {
	s, err := make(udp.WithTimestamps())
	if errors.Is(err, errors.ErrUnsupported) {
		return make()
	}
	return s, err
}

// arrival is when a message came.
func arrival(m udp.Message) time.Time {
	if m.Time.IsZero() {
		return time.Now()
	}
	return m.Time
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
		_ = s.Reply(ctx, m, a.encode())              // who gets no answer asks again
	}
	return s.Err()
}

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
		select {
		case m, ok := <-c.Messages():
			if !ok {
				return sample{}, c.Err()
			}
			if a, ok := decode(m.Data); ok && a.answers(q) {
				return a.sample(sent, arrival(m))
			}
		case err, ok := <-c.Errors():
			if ok {
				return sample{}, err
			}
		case <-ctx.Done():
			return sample{}, ctx.Err()
		}
	}
}
