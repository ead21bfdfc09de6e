//go:build linux && !dgram_portable

package udp_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"syscall"

	"example.com/dgram/udp"
)

// What is sent is marked for expedited forwarding, where the network heeds it.
func ExampleSocket_SetTOS() {
	s, err := udp.Listen(context.Background(), "udp4", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	const expedited = 46 // DSCP, the upper six bits
	fmt.Println(s.SetTOS(expedited << 2))

	// Output: <nil>
}

// WithReceiveTOS fills Message.TOS with the mark of what arrives; WithTOS marks what
// is sent.
func ExampleWithReceiveTOS() {
	ctx := context.Background()
	const expedited = 46 // DSCP, the upper six bits
	s, err := udp.Listen(ctx, "udp4", "127.0.0.1:0", udp.WithTOS(expedited<<2), udp.WithReceiveTOS())
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	if err := s.SendTo(ctx, s.LocalAddr(), []byte("hello")); err != nil {
		log.Fatal(err)
	}
	m, err := s.Receive(ctx)
	fmt.Println("DSCP", m.TOS>>2, "ECN", m.TOS&3, err)

	// Output: DSCP 46 ECN 0 <nil>
}

// WithReceiveTTL fills Message.TTL: a datagram that arrives with 255 hops left
// comes from the own link.
func ExampleWithReceiveTTL() {
	ctx := context.Background()
	s, err := udp.Listen(ctx, "udp4", "127.0.0.1:0", udp.WithTTL(255), udp.WithReceiveTTL())
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	if err := s.SendTo(ctx, s.LocalAddr(), []byte("hello")); err != nil {
		log.Fatal(err)
	}
	m, err := s.Receive(ctx)
	fmt.Println(m.TTL, err)

	// Output: 255 <nil>
}

// WithDontFragment makes a datagram that does not fit the path an error, which
// is how its limit is found.
func ExampleWithDontFragment() {
	ctx := context.Background()
	s, err := udp.Listen(ctx, "udp4", "127.0.0.1:0", udp.WithDontFragment())
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	address := s.LocalAddr()
	fmt.Println(s.SendTo(ctx, address, make([]byte, 1200)))

	// The loopback interface takes 65536 bytes with the headers; other paths
	// take 1500, and answer syscall.EMSGSIZE to the rest.
	fmt.Println(errors.Is(s.SendTo(ctx, address, make([]byte, 65508)), syscall.EMSGSIZE))

	// Output:
	// <nil>
	// true
}
