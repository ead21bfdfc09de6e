package udp_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"strings"

	"example.com/dgram/udp"
)

// SendBatch hands many datagrams to the kernel in few calls, and says which
// one failed.
func ExampleSocket_SendBatch() {
	ctx := context.Background()
	s, err := udp.Listen(ctx, "udp4", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	myself := s.LocalAddr()

	batch := []udp.Datagram{
		{Data: []byte("one"), To: myself},
		{Data: []byte("two"), To: myself},
		{Data: []byte("three")}, // to nobody
	}
	sent, err := s.SendBatch(ctx, batch)
	fmt.Println(sent, errors.Is(err, udp.ErrAddressFamily))
	for range sent {
		fmt.Printf("%s\n", (<-s.Messages()).Data)
	}

	// Output:
	// 2 true
	// one
	// two
}

// Outbox is the queue for what is sent and forgotten, the fastest way to send.
func ExampleSocket_Outbox() {
	ctx := context.Background()
	sink, err := udp.Listen(ctx, "udp4", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer sink.Close()
	to := sink.LocalAddr()

	s, err := udp.New("udp4")
	if err != nil {
		log.Fatal(err)
	}
	for _, word := range strings.Fields("the quick brown fox") {
		select {
		case s.Outbox() <- udp.Datagram{Data: []byte(word), To: to}:
		case <-s.Done(): // nobody receives any more
			log.Fatal(s.Err())
		}
	}
	if err := s.Flush(ctx); err != nil { // Close does not wait for the queue
		log.Fatal(err)
	}
	s.Close()
	for range 4 {
		fmt.Printf("%s\n", (<-sink.Messages()).Data)
	}

	// Output:
	// the
	// quick
	// brown
	// fox
}

// Flush waits until the queue is empty.
func ExampleSocket_Flush() {
	ctx := context.Background()
	s, err := udp.Dial(ctx, "udp4", "127.0.0.1:9")
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	data := []byte("hello")
	s.Outbox() <- udp.Datagram{Data: data}
	if err := s.Flush(ctx); err != nil {
		log.Fatal(err)
	}
	clear(data) // it is ours again
	fmt.Println(s.Stats().Sent, "sent,", s.SendQueueCount(), "queued")

	// Output: 1 sent, 0 queued
}

// SendQueueCount and SendQueueSize are how a producer sees that the network is
// slower than it is.
func ExampleSocket_SendQueueCount() {
	s, err := udp.Listen(context.Background(), "udp4", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	fmt.Println(s.SendQueueCount(), "datagrams,", s.SendQueueSize(), "bytes")

	// Output: 0 datagrams, 0 bytes
}
