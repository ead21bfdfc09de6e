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
	"context"
	"errors"
	"io"
	"net"
	"time"

	"example.com/dgram/examples/internal/program"
	"example.com/dgram/udp"
)

func main() { program.Main("ntp", run) }

func run(ctx context.Context, args []string, stdout io.Writer) error {
	flags := program.Flags("ntp", "NTP asks a time server how far this machine's clock is off, or is one. Without flags it does both, on the loopback interface.", stdout)
	at := flags.String("listen", "", "serve the time at this `address` until interrupted")
	query := flags.String("query", "", "ask the server at this `address`; the port is 123 unless given")
	ahead := flags.Duration("ahead", 250*time.Millisecond, "how much the clock of the demonstration's server is `off`")
	count := flags.Int("n", 4, "`times` to ask")
	every := flags.Duration("every", 2*time.Second, "`time` between questions to -query: servers dislike haste")
	wait := flags.Duration("wait", time.Second, "`time` after which an answer is lost")
	if err := program.Parse(flags, args); err != nil {
		return err
	}
	var err error
	switch {
	case *count < 1:
		return program.Usagef("ask at least once")
	case *at != "" && *query != "":
		return program.Usagef("-listen and -query exclude each other")
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
	return err
}

// demo asks a server of its own.
func demo(ctx context.Context, ahead time.Duration, count int, wait time.Duration, stdout io.Writer) error {
	s, err := listen(ctx, "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer s.Close()
	go func() { _ = serve(ctx, s, ahead) }() // ends with the socket
	address := s.LocalAddr()
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
