package multicast_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/netip"
	"syscall"

	"example.com/dgram/multicast"
	"example.com/dgram/udp"
)

// A member of a group on one interface: here the loopback interface, named by
// its address.
func Example() {
	ctx := context.Background()
	s, err := udp.Listen(ctx, "udp4", ":0")
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	group := netip.MustParseAddr("239.9.9.9")
	if _, err := multicast.Join(s, group, multicast.On("127.0.0.1")); err != nil {
		log.Fatal(err)
	}

	local := s.LocalAddr()
	to := netip.AddrPortFrom(group, local.Port())
	if err := multicast.SendOn(ctx, s, "127.0.0.1", to, []byte("hello, all")); err != nil {
		log.Fatal(err)
	}
	m := <-s.Messages()
	fmt.Printf("%s, said to %v\n", m.Data, m.To)
	// Output: hello, all, said to 239.9.9.9
}

// Several processes hear the same group on one port: all of them ask for
// udp.WithReuseAddr.
func ExampleJoin() {
	s, err := udp.Listen(context.Background(), "udp4", ":9999", udp.WithReuseAddr())
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	m, err := multicast.Join(s, netip.MustParseAddr("239.9.9.9"), multicast.On("eth0"))
	if err != nil {
		log.Fatal(err)
	}
	for msg := range s.Messages() {
		fmt.Printf("%v said %s\n", msg.From, msg.Data)
		if string(msg.Data) == "enough" {
			m.Leave()
		}
	}
}

// Every interface, those that come up later too. What could not be joined is on
// Errors.
func ExampleOnAll() {
	s, err := udp.Listen(context.Background(), "udp6", ":5353", udp.WithReuseAddr(), udp.WithIPv6Only())
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	m, err := multicast.Join(s, netip.MustParseAddr("ff02::fb"), multicast.OnAll())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("listening on", m.Interfaces())
	for {
		select {
		case msg, ok := <-s.Messages():
			if !ok {
				return
			}
			fmt.Printf("%d bytes from %v\n", len(msg.Data), msg.From)
		case err := <-s.Errors():
			log.Print(err)
		}
	}
}

// A second Join of a group is an error.
func ExampleLeave() {
	s, err := udp.New("udp4")
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	group, lo := netip.MustParseAddr("239.9.9.9"), multicast.On("127.0.0.1")
	_, err = multicast.Join(s, group, lo)
	fmt.Println("joined:", err == nil)
	_, err = multicast.Join(s, group, lo)
	fmt.Println("joined twice:", errors.Is(err, syscall.EADDRINUSE))
	fmt.Println("left:", multicast.Leave(s, group, lo) == nil)
	fmt.Println("left twice:", errors.Is(multicast.Leave(s, group, lo), syscall.EADDRNOTAVAIL))
	// Output:
	// joined: true
	// joined twice: true
	// left: true
	// left twice: true
}

// Only one source is heard.
func ExampleFrom() {
	s, err := udp.Listen(context.Background(), "udp4", ":5004")
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	camera := netip.MustParseAddr("10.0.0.7")
	_, err = multicast.Join(s, netip.MustParseAddr("232.1.1.1"), multicast.From(camera), multicast.On("eth0"))
	if err != nil {
		log.Fatal(err)
	}
}

// The socket receives from all sources but one.
func ExampleBlock() {
	s, err := udp.Listen(context.Background(), "udp4", ":9999")
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	group, eth0 := netip.MustParseAddr("239.9.9.9"), multicast.On("eth0")
	if _, err := multicast.Join(s, group, eth0); err != nil {
		log.Fatal(err)
	}
	if err := multicast.Block(s, group, netip.MustParseAddr("10.0.0.66"), eth0); err != nil {
		log.Fatal(err)
	}
}

// How far datagrams to groups go is not how far others go.
func ExampleSetTTL() {
	s, err := udp.Listen(context.Background(), "udp4", ":0", udp.WithTTL(64))
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	if err := multicast.SetTTL(s, 4); err != nil {
		log.Fatal(err)
	}
	unicast, _ := s.TTL()
	groups, _ := multicast.TTL(s)
	fmt.Println(unicast, groups)
	// Output: 64 4
}

// One socket announces itself on every interface.
func ExampleSendOn() {
	ctx := context.Background()
	s, err := udp.Listen(ctx, "udp4", ":9999", udp.WithReuseAddr())
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	to := netip.MustParseAddrPort("239.9.9.9:9999")
	m, err := multicast.Join(s, to.Addr(), multicast.OnAll())
	if err != nil {
		log.Fatal(err)
	}
	for _, name := range m.Interfaces() {
		if err := multicast.SendOn(ctx, s, name, to, []byte("I am here, on "+name)); err != nil {
			log.Print(err)
		}
	}
}
