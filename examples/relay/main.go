// Relay passes datagrams on to another address, and the answers back.
//
//	go run ./examples/relay -to 192.0.2.1:53                          at 127.0.0.1:5000, until Ctrl-C
//	go run ./examples/relay -to 192.0.2.1:53 -listen :53 -sessions 4096 -idle 30s -v
//
// Each client has a session: a socket of its own towards the other side, so that
// answers find their way back. UDP does not say when a client has gone, so a
// session ends when it has been idle, or when there are too many and it is the
// one that has been idle longest.
package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"example.com/dgram/examples/internal/program"
	"example.com/dgram/udp"
)

func main() { program.Main("relay", run) }

func run(ctx context.Context, args []string, stdout io.Writer) error {
	r := relay{out: stdout, sessions: map[client]*session{}}
	flags := program.Flags("relay", "Relay passes datagrams on to another address, and the answers back, until Ctrl-C.", stdout)
	listen := flags.String("listen", "127.0.0.1:5000", "`address` for the clients")
	to := flags.String("to", "", "`address` to pass datagrams on to")
	flags.IntVar(&r.most, "sessions", 1024, "`clients` at a time")
	flags.DurationVar(&r.idle, "idle", time.Minute, "`time` after which a session without datagrams ends")
	flags.BoolVar(&r.live, "live", program.Terminal(stdout), "keep a line with statistics")
	flags.BoolVar(&r.verbose, "v", false, "print when a session begins and ends, and what fails")
	if err := program.Parse(flags, args); err != nil {
		return err
	}
	switch {
	case *to == "":
		return program.Usagef("-to is missing")
	case r.most < 1 || r.idle <= 0:
		return program.Usagef("-sessions and -idle must be more than nothing")
	}
	r.live = r.live && !r.verbose // lines would tear it apart

	err := r.serve(ctx, *listen, *to)
	return err
}

// serve relays until ctx ends.
func (r *relay) serve(ctx context.Context, listen, to string) error {
	s, err := udp.Listen(ctx, "udp", listen)
	if err != nil {
		return err
	}
	defer s.Close()
	local := s.LocalAddr()
	if r.upstream, err = resolve(ctx, to); err != nil {
		return err
	}
	fmt.Fprintf(r.out, "relaying %v to %v\n", local, r.upstream)
	r.clients = s
	err = r.loop(ctx)
	r.close()
	r.summary()
	return err
}

// loop is the one goroutine that knows the sessions. Whatever else there is of
// the program only moves bytes.
func (r *relay) loop(ctx context.Context) error {
	tick := time.NewTicker(min(max(r.idle/4, time.Millisecond), time.Second))
	defer tick.Stop()
	for {
		select {
		case m, ok := <-r.clients.Messages():
			if !ok {
				return r.clients.Err()
			}
			r.forward(ctx, m)
		case err, ok := <-r.clients.Errors():
			if ok { // a client has gone without saying so
				r.failed(err)
			}
		case now := <-tick.C:
			r.sweep(now)
			if r.live {
				fmt.Fprintf(r.out, "\r\x1b[K%s", r.status())
			}
		}
	}
}

// summary is printed at the end.
func (r *relay) summary() {
	if r.live {
		fmt.Fprintln(r.out)
	}
	fmt.Fprintln(r.out, r.status())
}
