package udp_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/netip"
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
