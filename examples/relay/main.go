// Relay passes datagrams on to another address, and the answers back.
//
//	go run ./examples/relay -to 192.0.2.1:53                          at 127.0.0.1:5000, until Ctrl-C
//	go run ./examples/relay -to 192.0.2.1:53 -listen :53 -sessions 4096 -idle 30s -v
//
// Each client has a session of package session, and in it a socket of its own
// towards the other side, so that answers find their way back. UDP does not say
// when a client has gone: a session ends when it has been idle, or when there are
// too many and it is the one that has been idle longest.
package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"example.com/dgram/examples/internal/program"
	"example.com/dgram/udp"
	"example.com/dgram/udp/session"
)

func main() { program.Main("relay", run) }

func run(ctx context.Context, args []string, stdout io.Writer) error {
	r := relay{out: stdout}
	flags := program.Flags("relay", "Relay passes datagrams on to another address, and the answers back, until Ctrl-C.", stdout)
	listen := flags.String("listen", "127.0.0.1:5000", "`address` for the clients")
	to := flags.String("to", "", "`address` to pass datagrams on to")
	most := flags.Int("sessions", 1024, "`clients` at a time")
	idle := flags.Duration("idle", time.Minute, "`time` after which a session without datagrams ends")
	live := flags.Bool("live", program.Terminal(stdout), "keep a line with statistics")
	flags.BoolVar(&r.verbose, "v", false, "print when a session begins and ends, and what fails")
	if err := program.Parse(flags, args); err != nil {
		return err
	}
	switch {
	case *to == "":
		return program.Usagef("-to is missing")
	case *most < 1 || *idle <= 0:
		return program.Usagef("-sessions and -idle must be more than nothing")
	}
	r.live = *live && !r.verbose // lines would tear it apart

	upstream, err := resolve(ctx, *to)
	if err != nil {
		return err
	}
	s, err := udp.Listen(ctx, "udp", *listen)
	if err != nil {
		return err
	}
	defer s.Close()
	if r.clients, err = session.New(s, session.Max(*most, session.EvictIdlest), session.Idle(*idle)); err != nil {
		return err
	}
	r.socket, r.upstream = s, upstream.String()
	fmt.Fprintf(r.out, "relaying %v to %v\n", s.LocalAddr(), upstream)
	r.loop(ctx)
	r.summary()
	return s.Err()
}

// loop takes sessions until the socket ends, and returns when they have ended.
func (r *relay) loop(ctx context.Context) {
	defer r.group.Wait()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	news := r.clients.Errors()
	for {
		select {
		case c, ok := <-r.clients.Sessions():
			if !ok {
				return
			}
			r.log("session of %v begins", c.Peer())
			r.group.Go(func() { r.serve(ctx, c) })
		case err, ok := <-news:
			if !ok {
				news = nil
				continue
			}
			r.failed(err)
		case <-tick.C:
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
