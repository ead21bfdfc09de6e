package udp_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/netip"
	"strings"
	"syscall"

	"example.com/dgram/udp"
)

// Send takes a datagram in parts: a header and a body need not be copied
// together.
func ExampleSocket_Send() {
	ctx := context.Background()
	server, err := udp.Listen(ctx, "udp4", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	address := server.LocalAddr()

	client, err := udp.Dial(ctx, "udp4", address.String())
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	header, body := []byte("v1 "), []byte("hello")
	if err := client.Send(ctx, header, body); err != nil {
		log.Fatal(err)
	}
	m := <-server.Messages()
	fmt.Printf("%s\n", m.Data)

	// Output: v1 hello
}

// SendTo sends to an address. It binds a socket that has none.
func ExampleSocket_SendTo() {
	ctx := context.Background()
	server, err := udp.Listen(ctx, "udp4", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	address := server.LocalAddr()

	client, err := udp.New("udp4")
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	if err := client.SendTo(ctx, address, []byte("hello")); err != nil {
		log.Fatal(err)
	}
	m := <-server.Messages()
	local := client.LocalAddr()
	fmt.Printf("%s %v\n", m.Data, m.From.Port() == local.Port())

	// Output: hello true
}

// What cannot be sent is an error at once, with the destination in it.
func ExampleSocket_SendTo_errors() {
	ctx := context.Background()
	s, err := udp.Listen(ctx, "udp4", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()

	err = s.SendTo(ctx, netip.MustParseAddrPort("127.0.0.1:9"), make([]byte, 70000))
	fmt.Println("too long:", errors.Is(err, syscall.EMSGSIZE))

	err = s.SendTo(ctx, netip.MustParseAddrPort("[::1]:9"), []byte("hello"))
	fmt.Println("IPv6 on a udp4 socket:", errors.Is(err, udp.ErrAddressFamily))

	err = s.SendTo(ctx, netip.MustParseAddrPort("127.0.0.1:0"), []byte("hello"))
	fmt.Println("no port:", errors.Is(err, udp.ErrBadPort))

	// Output:
	// too long: true
	// IPv6 on a udp4 socket: true
	// no port: true
}

// SendToHost looks the host up, anew in every call.
func ExampleSocket_SendToHost() {
	ctx := context.Background()
	server, err := udp.Listen(ctx, "udp4", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	address := server.LocalAddr()

	client, err := udp.New("udp4")
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	host := fmt.Sprintf("localhost:%d", address.Port())
	if err := client.SendToHost(ctx, host, []byte("hello")); err != nil {
		log.Fatal(err)
	}
	m := <-server.Messages()
	fmt.Printf("%s\n", m.Data)

	// Output: hello
}

// Resolve once and SendTo often is cheaper than SendToHost.
func ExampleSocket_Resolve() {
	ctx := context.Background()
	s, err := udp.New("udp4")
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	fmt.Println(s.Resolve(ctx, "localhost:5353"))
	fmt.Println(s.Resolve(ctx, ":5353")) // no host: loopback

	// Output:
	// 127.0.0.1:5353 <nil>
	// 127.0.0.1:5353 <nil>
}

// Reply answers a message, from the address that it was sent to.
func ExampleSocket_Reply() {
	ctx := context.Background()
	server, err := udp.Listen(ctx, "udp4", ":0") // every address of the machine
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	address := server.LocalAddr()

	client, err := udp.Dial(ctx, "udp4", fmt.Sprintf("127.0.0.1:%d", address.Port()))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	if err := client.Send(ctx, []byte("who are you?")); err != nil {
		log.Fatal(err)
	}
	m := <-server.Messages()
	if err := server.Reply(ctx, m, []byte("I am "), []byte(m.To.String())); err != nil {
		log.Fatal(err)
	}
	answer := <-client.Messages()
	fmt.Printf("%s\n", answer.Data)

	// Output: I am 127.0.0.1
}

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

// A queued datagram that fails arrives on Errors as a SendError.
func ExampleSendError() {
	ctx := context.Background()
	s, err := udp.Listen(ctx, "udp4", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	s.Outbox() <- udp.Datagram{Data: make([]byte, 70000), To: netip.MustParseAddrPort("127.0.0.1:9")}

	var failed *udp.SendError
	if err := <-s.Errors(); errors.As(err, &failed) {
		fmt.Println(failed.Bytes, "bytes to", failed.To)
		fmt.Println("too long:", errors.Is(err, syscall.EMSGSIZE))
	}
	fmt.Println("counted:", s.Stats().SendDropped)

	// Output:
	// 70000 bytes to 127.0.0.1:9
	// too long: true
	// counted: 1
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

// A Datagram may choose the address that it is sent from.
func ExampleDatagram() {
	ctx := context.Background()
	s, err := udp.Listen(ctx, "udp4", ":0")
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	local := s.LocalAddr()
	loopback := netip.MustParseAddr("127.0.0.1")
	d := udp.Datagram{
		Data: []byte("hello"),
		To:   netip.AddrPortFrom(loopback, local.Port()),
		From: loopback,
	}
	if _, err := s.SendBatch(ctx, []udp.Datagram{d}); err != nil {
		log.Fatal(err)
	}
	m := <-s.Messages()
	fmt.Println(m.From.Addr(), "to", m.To)

	// Output: 127.0.0.1 to 127.0.0.1
}
