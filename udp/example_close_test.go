package udp_test

import (
	"context"
	"fmt"
	"log"

	"example.com/dgram/udp"
)

// Close needs no reader, may be called again, and leaves what was received to
// be received.
func ExampleSocket_Close() {
	ctx := context.Background()
	s, err := udp.Listen(ctx, "udp4", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	address := s.LocalAddr()
	fmt.Println(s.Close(), s.Close())

	_, open := <-s.Messages()
	fmt.Println(open)

	fmt.Println(s.LocalAddr() == address) // it keeps the last

	// Output:
	// <nil> <nil>
	// false
	// true
}

// Who waits for something else waits for the end of the socket too.
func ExampleSocket_Done() {
	s, err := udp.Listen(context.Background(), "udp4", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	work := make(chan string)
	go s.Close()
	select {
	case w := <-work:
		fmt.Println(w)
	case <-s.Done():
		fmt.Println("the socket has ended")
	}

	// Output: the socket has ended
}

// Err tells a socket that was closed from one that could not go on.
func ExampleSocket_Err() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	closed, err := udp.Listen(ctx, "udp4", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	cancelled, err := udp.Listen(ctx, "udp4", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	closed.Close()
	cancel()
	for range cancelled.Messages() { // ends with the socket
	}
	fmt.Println(closed.Err())
	fmt.Println(cancelled.Err())

	// Output:
	// <nil>
	// context canceled
}

// Wait is how a program lives as long as its socket.
func ExampleSocket_Wait() {
	ctx, cancel := context.WithCancel(context.Background())
	s, err := udp.Listen(ctx, "udp4", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	go func() {
		for m := range s.Messages() {
			fmt.Printf("%s\n", m.Data)
			cancel()
		}
	}()
	address := s.LocalAddr()
	if err := s.SendTo(ctx, address, []byte("that is all")); err != nil {
		log.Fatal(err)
	}
	fmt.Println(s.Wait())

	// Output:
	// that is all
	// context canceled
}

// A socket that is not referenced does not keep Wait.
func ExampleSocket_Unref() {
	s, err := udp.Listen(context.Background(), "udp4", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	s.Unref()
	fmt.Println(s.Wait())

	// Output: <nil>
}

// Ref undoes Unref: Wait waits again.
func ExampleSocket_Ref() {
	s, err := udp.Listen(context.Background(), "udp4", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	s.Unref()
	s.Ref()
	go s.Close()
	fmt.Println(s.Wait())
	<-s.Done() // not before the socket has ended

	// Output: <nil>
}
