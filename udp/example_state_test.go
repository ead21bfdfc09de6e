package udp_test

import (
	"context"
	"fmt"
	"log"

	"example.com/dgram/udp"
)

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
