package udp_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"syscall"

	"example.com/dgram/udp"
)

// A socket is made first and bound later. No descriptor is open in between.
func ExampleNew() {
	s, err := udp.New("udp4", udp.WithReadBuffer(1<<20), udp.WithBroadcast())
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()

	fmt.Println(s)

	if err := s.Bind(context.Background(), "127.0.0.1:0"); err != nil {
		log.Fatal(err)
	}
	fmt.Println(s.LocalAddr().Addr())

	// Output:
	// udp4 unbound
	// 127.0.0.1
}

// An option that makes no sense is the error of New, Listen and Dial.
func ExampleOption() {
	_, err := udp.New("udp4", udp.WithTTL(300))
	fmt.Println(err)
	fmt.Println(errors.Is(err, syscall.EINVAL))

	// Output:
	// socket udp4: TTL 300 is not between 1 and 255
	// true
}

// The context is the socket's life: when it is done, the socket closes.
func ExampleListen() {
	ctx, cancel := context.WithCancelCause(context.Background())
	s, err := udp.Listen(ctx, "udp4", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("open:", s.Err() == nil)

	cancel(errors.New("the last guest has left"))
	<-s.Done()
	fmt.Println("closed:", s.Err())

	// Output:
	// open: true
	// closed: the last guest has left
}

// A connected socket sends to its peer and hears nobody else.
func ExampleDial() {
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
	if err := client.Send(ctx, []byte("ping")); err != nil {
		log.Fatal(err)
	}

	question := <-server.Messages()
	if err := server.Reply(ctx, question, []byte("pong")); err != nil {
		log.Fatal(err)
	}
	answer := <-client.Messages()
	fmt.Printf("%s, %s\n", question.Data, answer.Data)

	// Output: ping, pong
}

// A port that is taken is an ordinary error. The socket is as it was and may
// try another.
func ExampleSocket_Bind() {
	ctx := context.Background()
	first, err := udp.Listen(ctx, "udp4", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer first.Close()
	taken := first.LocalAddr()

	s, err := udp.New("udp4")
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	err = s.Bind(ctx, taken.String())
	if errors.Is(err, syscall.EADDRINUSE) {
		fmt.Println("in use, taking a free port")
		err = s.Bind(ctx, "127.0.0.1:0")
	}
	fmt.Println(err)

	// A socket is bound once.
	err = s.Bind(ctx, "127.0.0.1:0")
	fmt.Println(errors.Is(err, udp.ErrAlreadyBound))

	// Output:
	// in use, taking a free port
	// <nil>
	// true
}

// A socket may have one peer after another, and keeps its port.
func ExampleSocket_Connect() {
	ctx := context.Background()
	s, err := udp.New("udp4")
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()

	var ports []uint16
	for _, peer := range []string{"127.0.0.1:5353", "127.0.0.1:5354"} {
		if err := s.Connect(ctx, peer); err != nil {
			log.Fatal(err)
		}
		remote := s.RemoteAddr()
		local := s.LocalAddr()
		fmt.Println("connected to", remote)
		ports = append(ports, local.Port())
		if err := s.Disconnect(); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println("from one port:", ports[0] == ports[1])

	// Output:
	// connected to 127.0.0.1:5353
	// connected to 127.0.0.1:5354
	// from one port: true
}

// Without a peer the socket sends to whom it likes again.
func ExampleSocket_Disconnect() {
	ctx := context.Background()
	s, err := udp.Dial(ctx, "udp4", "127.0.0.1:5353")
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	myself := s.LocalAddr()

	err = s.SendTo(ctx, myself, []byte("note"))
	fmt.Println(errors.Is(err, udp.ErrAlreadyConnected))

	if err := s.Disconnect(); err != nil {
		log.Fatal(err)
	}
	fmt.Println(s.SendTo(ctx, myself, []byte("note")))
	fmt.Printf("%s\n", (<-s.Messages()).Data)

	// Output:
	// true
	// <nil>
	// note
}
