package session_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"example.com/dgram/udp"
	"example.com/dgram/udp/session"
)

// A server has a goroutine for each session, which ends with it.
func Example() {
	ctx := context.Background()
	s, err := udp.Listen(ctx, "udp4", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	m, err := session.New(s, session.Idle(time.Minute))
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	go func() {
		for c := range m.Sessions() {
			go func() {
				defer c.Close()
				n := 0
				for d := range c.Messages() {
					n++
					if err := c.Send(ctx, fmt.Appendf(nil, "%s, the %d. from you", d.Data, n)); err != nil {
						return
					}
				}
			}()
		}
	}()

	address := s.LocalAddr()
	for _, name := range []string{"first", "second"} {
		client, err := udp.Dial(ctx, "udp4", address.String())
		if err != nil {
			log.Fatal(err)
		}
		defer client.Close()
		for range 2 {
			if err := client.Send(ctx, []byte(name)); err != nil {
				log.Fatal(err)
			}
			fmt.Printf("%s\n", (<-client.Messages()).Data)
		}
	}

	// Output:
	// first, the 1. from you
	// first, the 2. from you
	// second, the 1. from you
	// second, the 2. from you
}

// serve returns a mux over a socket of loopback, for the examples.
func serve(opts ...session.Option) (m *session.Mux, address string, stop func()) {
	s, err := udp.Listen(context.Background(), "udp4", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	if m, err = session.New(s, opts...); err != nil {
		log.Fatal(err)
	}
	return m, s.LocalAddr().String(), func() { m.Close(); s.Close() }
}

// say sends one datagram as a client.
func say(address, text string) {
	client, err := udp.Dial(context.Background(), "udp4", address)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	if err := client.Send(context.Background(), []byte(text)); err != nil {
		log.Fatal(err)
	}
}

// Two programs behind routers open the session from both sides. Here the other
// side is a plain socket.
func ExampleMux_Open() {
	ctx := context.Background()
	m, _, stop := serve()
	defer stop()
	peer, err := udp.Listen(ctx, "udp4", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer peer.Close()

	c, err := m.Open(ctx, peer.LocalAddr())
	if err != nil {
		log.Fatal(err)
	}
	if err := c.Send(ctx, []byte("are you "), []byte("there?")); err != nil {
		log.Fatal(err)
	}
	question := <-peer.Messages()
	fmt.Printf("%s\n", question.Data)
	if err := peer.Reply(ctx, question, []byte("yes")); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", (<-c.Messages()).Data)

	// Output:
	// are you there?
	// yes
}

// Receive waits for the next datagram without a channel.
func ExampleSession_Receive() {
	m, address, stop := serve()
	defer stop()
	say(address, "hello")
	c := <-m.Sessions()
	d, err := c.Receive(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", d.Data)

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	_, err = c.Receive(ctx)
	fmt.Println(err)

	// Output:
	// hello
	// context deadline exceeded
}

// The cause of the session's context says why it ended.
func ExampleSession_Context() {
	m, address, stop := serve(session.Idle(10 * time.Millisecond))
	defer stop()
	say(address, "hello, and goodbye")
	c := <-m.Sessions()
	<-c.Done()
	fmt.Println(context.Cause(c.Context()))

	// Output: session was idle
}

// Code that knows net.Listener and net.Conn needs no changes.
func ExampleMux_Listener() {
	m, address, stop := serve()
	defer stop()
	l := m.Listener()
	say(address, "hello")
	conn, err := l.Accept()
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	b := make([]byte, 1500)
	n, err := conn.Read(b)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", b[:n])

	// Output: hello
}

// A Conn has deadlines.
func ExampleSession_Conn() {
	m, address, stop := serve()
	defer stop()
	say(address, "hello")
	conn := (<-m.Sessions()).Conn()
	b := make([]byte, 1500)
	for {
		if err := conn.SetReadDeadline(time.Now().Add(10 * time.Millisecond)); err != nil {
			log.Fatal(err)
		}
		n, err := conn.Read(b)
		var timeout interface{ Timeout() bool }
		if errors.As(err, &timeout) && timeout.Timeout() {
			fmt.Println("silence")
			return
		} else if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s\n", b[:n])
	}

	// Output:
	// hello
	// silence
}

// Drain lets the sessions answer what they were asked before the end.
func ExampleMux_Drain() {
	ctx := context.Background()
	m, address, stop := serve()
	defer stop()
	client, err := udp.Dial(ctx, "udp4", address)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	if err := client.Send(ctx, []byte("last question")); err != nil {
		log.Fatal(err)
	}
	c := <-m.Sessions()
	go func() {
		for d := range c.Messages() {
			if err := c.Send(ctx, fmt.Appendf(nil, "answer to the %s", d.Data)); err != nil {
				log.Print(err)
			}
		}
	}()
	if err := m.Drain(ctx); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", (<-client.Messages()).Data)
	fmt.Println(context.Cause(c.Context()))

	// Output:
	// answer to the last question
	// socket is drained
}
