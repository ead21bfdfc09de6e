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

// Listening tells other goroutines that the socket has an address. The first
// send gives it one.
func ExampleSocket_Listening() {
	ctx := context.Background()
	s, err := udp.New("udp4")
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	go s.SendToHost(ctx, "127.0.0.1:5353", []byte("hello"))

	<-s.Listening()
	fmt.Println(s.LocalAddr().Addr())

	// Output: 0.0.0.0
}

// Connected is closed while there is a peer.
func ExampleSocket_Connected() {
	ctx := context.Background()
	s, err := udp.New("udp4")
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	connected := func() bool {
		select {
		case <-s.Connected():
			return true
		default:
			return false
		}
	}
	fmt.Println(connected())
	if err := s.Connect(ctx, ":5353"); err != nil { // no host: loopback
		log.Fatal(err)
	}
	fmt.Println(connected())
	if err := s.Disconnect(); err != nil {
		log.Fatal(err)
	}
	fmt.Println(connected())

	// Output:
	// false
	// true
	// false
}

// A "udp" socket settles on a family with the first address it is given.
func ExampleSocket_Network() {
	s, err := udp.Listen(context.Background(), "udp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	fmt.Println(s.Network())

	// Output: udp4
}

func ExampleSocket_LocalAddr() {
	s, err := udp.Listen(context.Background(), "udp4", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	address := s.LocalAddr()
	fmt.Println(address.Addr(), address.Port() != 0)

	// Output: 127.0.0.1 true
}

func ExampleSocket_RemoteAddr() {
	s, err := udp.Dial(context.Background(), "udp4", "127.0.0.1:5353")
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	fmt.Println(s.RemoteAddr())

	// Output: 127.0.0.1:5353
}

// What the kernel grants may be less than was asked for.
func ExampleSocket_ReadBuffer() {
	s, err := udp.Listen(context.Background(), "udp4", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	if err := s.SetReadBuffer(64 << 10); err != nil {
		log.Fatal(err)
	}
	granted, err := s.ReadBuffer()
	fmt.Println(granted, err)

	// Output: 65536 <nil>
}

func ExampleSocket_WriteBuffer() {
	s, err := udp.Listen(context.Background(), "udp4", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	if err := s.SetWriteBuffer(64 << 10); err != nil {
		log.Fatal(err)
	}
	granted, err := s.WriteBuffer()
	fmt.Println(granted, err)

	// Output: 65536 <nil>
}

func ExampleSocket_SetTTL() {
	s, err := udp.Listen(context.Background(), "udp4", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	if err := s.SetTTL(1); err != nil { // no router passes it on
		log.Fatal(err)
	}
	fmt.Println(s.TTL())

	// Output: 1 <nil>
}

// SyscallConn is for the options that this package does not know.
func ExampleSocket_SyscallConn() {
	s, err := udp.Listen(context.Background(), "udp4", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	raw, err := s.SyscallConn()
	if err != nil {
		log.Fatal(err)
	}
	err = raw.Control(func(fd uintptr) {
		fmt.Println("a descriptor:", fd > 2) // setsockopt here
	})
	fmt.Println(err)

	// Output:
	// a descriptor: true
	// <nil>
}
