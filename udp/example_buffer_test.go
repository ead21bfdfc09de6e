package udp_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"example.com/dgram/udp"
)

// WithOverflow chooses what is lost when the receiver is slow: with
// DropOldest, what has waited longest.
func ExampleWithOverflow() {
	ctx := context.Background()
	s, err := udp.Listen(ctx, "udp4", "127.0.0.1:0",
		udp.WithMessageBuffer(1), udp.WithOverflow(udp.OverflowDropOldest))
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	address := s.LocalAddr()
	messages := s.Messages()
	for _, price := range []string{"101", "102", "103"} {
		if err := s.SendTo(ctx, address, []byte(price)); err != nil {
			log.Fatal(err)
		}
	}

	// One error for the whole episode, not one for each datagram.
	var overflow *udp.OverflowError
	if err := <-s.Errors(); errors.As(err, &overflow) {
		fmt.Println("missed:", s.Stats().DroppedOverflow)
	}
	fmt.Printf("now: %s\n", (<-messages).Data)

	// Output:
	// missed: 2
	// now: 103
}

// WithMessageBuffer is how far the receiver may fall behind before the
// datagrams wait in the kernel.
func ExampleWithMessageBuffer() {
	s, err := udp.Listen(context.Background(), "udp4", "127.0.0.1:0", udp.WithMessageBuffer(256))
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	fmt.Println(cap(s.Messages()))

	// Output: 256
}

// WithErrorBuffer is how many errors wait for whoever looks at them.
func ExampleWithErrorBuffer() {
	s, err := udp.Listen(context.Background(), "udp4", "127.0.0.1:0", udp.WithErrorBuffer(1))
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	fmt.Println(cap(s.Errors()))

	// Output: 1
}

// WithSendQueue is how many datagrams the Outbox takes before its sender
// waits.
func ExampleWithSendQueue() {
	s, err := udp.Listen(context.Background(), "udp4", "127.0.0.1:0", udp.WithSendQueue(1024))
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	fmt.Println(cap(s.Outbox()))

	// Output: 1024
}

// WithReadBuffer makes room in the kernel for bursts, WithWriteBuffer for what
// the network takes more slowly than it is sent.
func ExampleWithReadBuffer() {
	s, err := udp.Listen(context.Background(), "udp4", "127.0.0.1:0",
		udp.WithReadBuffer(128<<10), udp.WithWriteBuffer(64<<10))
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	fmt.Println(s.ReadBuffer())
	fmt.Println(s.WriteBuffer())

	// Output:
	// 131072 <nil>
	// 65536 <nil>
}
