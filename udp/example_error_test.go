package udp_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"syscall"

	"example.com/dgram/udp"
)

// Errors say what was tried, and errors.Is finds what they are: a variable of
// this package, one of package net, or the errno.
func Example_errors() {
	ctx := context.Background()
	s, err := udp.New("udp4")
	if err != nil {
		log.Fatal(err)
	}

	err = s.Send(ctx, []byte("to whom?"))
	fmt.Println(err)
	fmt.Println(errors.Is(err, udp.ErrNotConnected), errors.Is(err, syscall.ENOTCONN))

	err = s.Connect(ctx, "127.0.0.1:99999")
	fmt.Println(err)
	fmt.Println(errors.Is(err, udp.ErrBadPort))

	s.Close()
	err = s.Bind(ctx, "127.0.0.1:0")
	fmt.Println(err)
	fmt.Println(errors.Is(err, net.ErrClosed))

	// Output:
	// send udp4: socket is not connected
	// true true
	// connect udp4 127.0.0.1:99999: bad port 99999
	// true
	// bind udp4 127.0.0.1:0: use of closed network connection
	// true
}

// A socket is read in one way. The others say so.
func Example_oneReader() {
	ctx := context.Background()
	s, err := udp.Listen(ctx, "udp4", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	s.Messages()
	for _, err := range s.All(ctx) {
		fmt.Println(errors.Is(err, udp.ErrReading))
	}

	// Output: true
}

// A context bounds the call that it is given to, and nothing else.
func Example_cancel() {
	s, err := udp.New("udp4")
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	fmt.Println(s.SendToHost(ctx, "127.0.0.1:9", []byte("too late")))
	fmt.Println("the socket is open:", s.Err() == nil)

	// Output:
	// context canceled
	// the socket is open: true
}
