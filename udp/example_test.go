package udp_test

import (
	"context"
	"fmt"
	"log"
	"net/netip"

	"example.com/dgram/udp"
)

// A server that sends every datagram back, until its context ends.
func Example() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()

	s, err := udp.Listen(ctx, "udp4", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	address := s.LocalAddr()
	go visit(address, stop)

	errs := s.Errors() // reading it is optional
	for {
		select {
		case m, ok := <-s.Messages():
			if !ok {
				return // s.Err() is the cause
			}
			if err := s.Reply(ctx, m, m.Data); err != nil {
				log.Print(err) // and go on: a sender can be forged
			}
		case err, ok := <-errs:
			if !ok {
				errs = nil // the socket has ended; Messages ends next
				continue
			}
			log.Print(err)
		}
	}

	// Output: hello
}

// visit says hello to a server, waits for its answer and stops it.
func visit(server netip.AddrPort, stop func()) {
	defer stop()
	ctx := context.Background()
	c, err := udp.Dial(ctx, "udp4", server.String())
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	if err := c.Send(ctx, []byte("hello")); err != nil {
		log.Fatal(err)
	}
	answer := <-c.Messages()
	fmt.Printf("%s\n", answer.Data)
}
