// Echo sends every datagram back to its sender.
//
//	go run ./examples/echo                          a server and a client that asks it
//	go run ./examples/echo -listen 127.0.0.1:41234  a server, until Ctrl-C
//
// Any program can talk to the server: nc -u 127.0.0.1 41234
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"

	"example.com/dgram/udp"
)

func main() {
	listen := flag.String("listen", "", "serve at this `address` until Ctrl-C")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *listen, os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, listen string, out io.Writer) error {
	s, err := udp.Listen(context.Background(), "udp", cmp.Or(listen, "127.0.0.1:0"))
	if err != nil {
		return err
	}
	defer s.Close()
	fmt.Fprintln(out, "listening on", s.LocalAddr())
	if listen == "" {
		go serve(s)
		return ask(ctx, s.LocalAddr().String(), out)
	}
	context.AfterFunc(ctx, func() { _ = s.Drain(context.Background()) }) // Ctrl-C: answer what is here, and end
	serve(s)
	fmt.Fprintf(out, "%d received, %d sent back\n", s.Stats().Received, s.Stats().Sent)
	return s.Err()
}

// serve answers until the socket ends.
func serve(s *udp.Socket) {
	for m := range s.Messages() {
		if err := s.Reply(context.Background(), m, m.Data); err != nil {
			log.Print(err) // and go on: a sender can forge an address that cannot be answered
		}
	}
}
