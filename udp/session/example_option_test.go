package session_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"example.com/dgram/udp"
	"example.com/dgram/udp/session"
)

// Admit sees the first datagram of a peer before there is a session.
func ExampleAdmit() {
	m, address, stop := serve(session.Admit(func(d udp.Message) bool {
		return string(d.Data) == "cookie"
	}))
	defer stop()
	say(address, "no cookie")
	say(address, "cookie")
	c := <-m.Sessions()
	fmt.Printf("%s\n", (<-c.Messages()).Data)
	fmt.Println("refused:", m.Stats().Refused)

	// Output:
	// cookie
	// refused: 1
}

// With EvictIdlest there is always room for a new peer.
func ExampleMax() {
	m, address, stop := serve(session.Max(1, session.EvictIdlest))
	defer stop()
	say(address, "hello")
	first := <-m.Sessions()
	say(address, "hello")
	<-m.Sessions()
	fmt.Println(context.Cause(first.Context()))

	// Output: session was evicted
}

// A queue that keeps the newest datagrams suits state that is sent again and
// again, such as the position of a player.
func ExampleQueue() {
	m, address, stop := serve(session.Queue(2, session.DropOldest))
	defer stop()
	client, err := udp.Dial(context.Background(), "udp4", address)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	for _, text := range []string{"one", "two", "three"} {
		if err := client.Send(context.Background(), []byte(text)); err != nil {
			log.Fatal(err)
		}
	}
	c := <-m.Sessions()
	for m.Stats().DroppedQueue == 0 { // until all three are there
		time.Sleep(time.Millisecond)
	}
	for range 2 {
		fmt.Printf("%s\n", (<-c.Messages()).Data)
	}

	// Output:
	// two
	// three
}

// Stats are plain numbers with names, ready for a collector.
func ExampleStats_All() {
	m, address, stop := serve()
	defer stop()
	say(address, "hello")
	<-m.Sessions()
	for name, value := range m.Stats().All() {
		if value > 0 {
			fmt.Println(name, value)
		}
	}

	// Output:
	// opened 1
	// accepted 1
	// delivered 1
}
