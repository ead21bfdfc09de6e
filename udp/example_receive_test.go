package udp_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"os"
	"time"

	"example.com/dgram/udp"
)

// Messages is a channel like any other: range over it, or select.
func ExampleSocket_Messages() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s, err := udp.Listen(ctx, "udp4", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	address := s.LocalAddr()
	for _, text := range []string{"one", "two", "end"} {
		if err := s.SendTo(ctx, address, []byte(text)); err != nil {
			log.Fatal(err)
		}
	}
	for m := range s.Messages() {
		fmt.Printf("%s from myself: %v\n", m.Data, m.From == address)
		if string(m.Data) == "end" {
			s.Close() // and so the loop ends
		}
	}
	fmt.Println(s.Err())

	// Output:
	// one from myself: true
	// two from myself: true
	// end from myself: true
	// <nil>
}

// With a timer the receiver does not wait forever.
func ExampleSocket_Messages_timeout() {
	ctx := context.Background()
	s, err := udp.Listen(ctx, "udp4", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	select {
	case m := <-s.Messages():
		fmt.Printf("%s\n", m.Data)
	case <-time.After(10 * time.Millisecond):
		fmt.Println("nobody")
	}

	// Output: nobody
}

// All reads in the goroutine that loops, without a channel. The loop may be
// left and taken up again; nothing is lost in between.
func ExampleSocket_All() {
	ctx := context.Background()
	s, err := udp.Listen(ctx, "udp4", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	address := s.LocalAddr()
	for _, text := range []string{"head", "body", "body", "end"} {
		if err := s.SendTo(ctx, address, []byte(text)); err != nil {
			log.Fatal(err)
		}
	}
	for m, err := range s.All(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("first the %s\n", m.Data)
		break
	}
	for m, err := range s.All(ctx) {
		if err != nil {
			log.Print(err) // soft: the loop goes on
			continue
		}
		fmt.Printf("then the %s\n", m.Data)
		if string(m.Data) == "end" {
			break
		}
	}

	// Output:
	// first the head
	// then the body
	// then the body
	// then the end
}

// The loop ends with its context, and yields nothing for that.
func ExampleSocket_All_deadline() {
	s, err := udp.Listen(context.Background(), "udp4", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	for m, err := range s.All(ctx) {
		fmt.Printf("%s %v\n", m.Data, err)
	}
	fmt.Println(ctx.Err())
	fmt.Println("the socket is open:", s.Err() == nil)

	// Output:
	// context deadline exceeded
	// the socket is open: true
}

// Release gives the bytes back for the next datagram. A busy server is faster
// for it; one that forgets it is still right.
func ExampleMessage_Release() {
	ctx := context.Background()
	s, err := udp.Listen(ctx, "udp4", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	address := s.LocalAddr()
	if err := s.SendTo(ctx, address, []byte("12345")); err != nil {
		log.Fatal(err)
	}
	sum := 0
	m := <-s.Messages()
	for _, digit := range m.Data {
		sum += int(digit - '0')
	}
	m.Release() // m.Data must not be touched from here on
	fmt.Println(sum)

	// Output: 15
}

// PacketConn is for code that wants package net's interface.
func ExampleSocket_PacketConn() {
	ctx := context.Background()
	s, err := udp.Listen(ctx, "udp4", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	var conn net.PacketConn = s.PacketConn()
	defer conn.Close() // closes the socket

	if _, err := conn.WriteTo([]byte("hello"), conn.LocalAddr()); err != nil {
		log.Fatal(err)
	}
	b := make([]byte, 1500)
	n, _, err := conn.ReadFrom(b)
	fmt.Printf("%s %v\n", b[:n], err)

	// It has deadlines, and the errors of package net.
	if err := conn.SetReadDeadline(time.Now().Add(10 * time.Millisecond)); err != nil {
		log.Fatal(err)
	}
	_, _, err = conn.ReadFrom(b)
	fmt.Println(errors.Is(err, os.ErrDeadlineExceeded))

	// Output:
	// hello <nil>
	// true
}

// Every datagram that reached the socket is delivered, or counted under one
// name.
func ExampleSocket_Stats() {
	ctx := context.Background()
	s, err := udp.Listen(ctx, "udp4", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	address := s.LocalAddr()
	for range 5 {
		if err := s.SendTo(ctx, address, []byte("four")); err != nil {
			log.Fatal(err)
		}
	}
	for range 3 {
		<-s.Messages()
	}
	s.Close()
	for range s.Messages() { // what was received before the end
	}

	stats := s.Stats()
	fmt.Println("sent:", stats.Sent, "datagrams of", stats.SentBytes, "bytes")
	fmt.Println("accounted for:", stats.Received+stats.Waiting+stats.DroppedClosed)

	// Output:
	// sent: 5 datagrams of 20 bytes
	// accounted for: 5
}
