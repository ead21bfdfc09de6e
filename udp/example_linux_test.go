//go:build linux && !dgram_portable

package udp_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"syscall"
	"time"

	"example.com/dgram/udp"
)

// WithTimestamps tells when the kernel received a datagram, however late the
// program looks at it.
func ExampleWithTimestamps() {
	ctx := context.Background()
	s, err := udp.Listen(ctx, "udp4", "127.0.0.1:0", udp.WithTimestamps())
	if err != nil {
		log.Fatal(err) // errors.ErrUnsupported elsewhere than on Linux
	}
	defer s.Close()
	address := s.LocalAddr()
	if err := s.SendTo(ctx, address, []byte("tick")); err != nil {
		log.Fatal(err)
	}
	m := <-s.Messages()
	waited := time.Since(m.Time)
	fmt.Println("has a time:", !m.Time.IsZero(), waited < time.Minute)

	// Output: has a time: true true
}

// WithICMPErrors says which destination was unreachable, on a socket that has
// many.
func ExampleWithICMPErrors() {
	ctx := context.Background()
	gone, err := udp.Listen(ctx, "udp4", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	closed := gone.LocalAddr()
	gone.Close()

	s, err := udp.Listen(ctx, "udp4", "127.0.0.1:0", udp.WithICMPErrors())
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	if err := s.SendTo(ctx, closed, []byte("anybody there?")); err != nil {
		log.Fatal(err)
	}
	select {
	case m := <-s.Messages():
		fmt.Printf("%s\n", m.Data)
	case err := <-s.Errors():
		var refused *net.OpError
		if errors.As(err, &refused) && errors.Is(err, syscall.ECONNREFUSED) {
			fmt.Println("that destination:", refused.Addr.String() == closed.String())
		}
	}

	// Output: that destination: true
}

// WithReusePort lets processes share a port. The kernel balances senders
// between them.
func ExampleWithReusePort() {
	ctx := context.Background()
	first, err := udp.Listen(ctx, "udp4", "127.0.0.1:0", udp.WithReusePort())
	if err != nil {
		log.Fatal(err)
	}
	defer first.Close()
	address := first.LocalAddr()
	second, err := udp.Listen(ctx, "udp4", address.String(), udp.WithReusePort())
	if err != nil {
		log.Fatal(err)
	}
	defer second.Close()
	fmt.Println("two sockets, one port")

	// Output: two sockets, one port
}

// WithReaders does the same within a process: several kernel sockets on one
// port, one channel.
func ExampleWithReaders() {
	ctx := context.Background()
	s, err := udp.Listen(ctx, "udp4", "127.0.0.1:0", udp.WithReaders(4))
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	address := s.LocalAddr()
	for range 16 { // many senders
		c, err := udp.Dial(ctx, "udp4", address.String())
		if err != nil {
			log.Fatal(err)
		}
		if err := c.Send(ctx, []byte("hello")); err != nil {
			log.Fatal(err)
		}
		c.Close()
	}
	for range 16 {
		<-s.Messages()
	}
	s.Close() // from here on the numbers stand still
	fmt.Println(s.Stats().Received)

	// Output: 16
}

// WithInterface stays on one network device.
func ExampleWithInterface() {
	ctx := context.Background()
	s, err := udp.Listen(ctx, "udp4", ":0", udp.WithInterface("lo"))
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	address := s.LocalAddr()
	host := fmt.Sprintf("127.0.0.1:%d", address.Port())
	if err := s.SendToHost(ctx, host, []byte("hello")); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", (<-s.Messages()).Data)

	// Output: hello
}

// WithBroadcast allows what fails otherwise.
func ExampleWithBroadcast() {
	ctx := context.Background()
	s, err := udp.Listen(ctx, "udp4", ":0", udp.WithBroadcast())
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	fmt.Println(s.SendToHost(ctx, "127.255.255.255:9", []byte("anybody there?")))

	// Output: <nil>
}

// Broadcasting is off until it is asked for.
func ExampleSocket_SetBroadcast() {
	ctx := context.Background()
	s, err := udp.Listen(ctx, "udp4", ":0")
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	err = s.SendToHost(ctx, "127.255.255.255:9", []byte("anybody there?"))
	fmt.Println(errors.Is(err, syscall.EACCES))
	if err := s.SetBroadcast(true); err != nil {
		log.Fatal(err)
	}
	fmt.Println(s.SendToHost(ctx, "127.255.255.255:9", []byte("anybody there?")))

	// Output:
	// true
	// <nil>
}

// A client that asks one of the machine's addresses hears from that address.
func ExampleSocket_Reply_address() {
	ctx := context.Background()
	server, err := udp.Listen(ctx, "udp4", ":0")
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	address := server.LocalAddr()

	client, err := udp.Dial(ctx, "udp4", fmt.Sprintf("127.0.0.2:%d", address.Port()))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	if err := client.Send(ctx, []byte("hello")); err != nil {
		log.Fatal(err)
	}
	m := <-server.Messages()
	if err := server.Reply(ctx, m, m.Data); err != nil {
		log.Fatal(err)
	}
	fmt.Println((<-client.Messages()).From.Addr())

	// Output: 127.0.0.2
}
