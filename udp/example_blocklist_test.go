package udp_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/netip"
	"sync"

	"example.com/dgram/udp"
)

// WithReceiveBlockList keeps senders out before anything is copied for them. A
// netip.Prefix is a list.
func ExampleWithReceiveBlockList() {
	ctx := context.Background()
	loopback := netip.MustParsePrefix("127.0.0.0/8")
	s, err := udp.Listen(ctx, "udp4", "127.0.0.1:0", udp.WithReceiveBlockList(loopback))
	if err != nil {
		log.Fatal(err)
	}
	address := s.LocalAddr()
	for range 3 {
		if err := s.SendTo(ctx, address, []byte("let me in")); err != nil {
			log.Fatal(err)
		}
	}
	messages := s.Messages()
	s.Close()
	for m := range messages {
		fmt.Printf("%s\n", m.Data)
	}
	stats := s.Stats()
	fmt.Println("received:", stats.Received)
	fmt.Println("kept out:", stats.DroppedBlocked+stats.DroppedClosed)

	// Output:
	// received: 0
	// kept out: 3
}

// WithSendBlockList refuses destinations.
func ExampleWithSendBlockList() {
	ctx := context.Background()
	metadata := netip.MustParsePrefix("169.254.0.0/16")
	s, err := udp.New("udp4", udp.WithSendBlockList(metadata))
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	err = s.SendToHost(ctx, "169.254.169.254:80", []byte("your keys, please"))
	fmt.Println(errors.Is(err, udp.ErrBlocked))
	err = s.Connect(ctx, "169.254.169.254:80")
	fmt.Println(errors.Is(err, udp.ErrBlocked))

	// Output:
	// true
	// true
}

// banned is a block list that grows while the socket runs.
type banned struct {
	mu    sync.RWMutex
	hosts map[netip.Addr]bool
}

func (b *banned) Contains(a netip.Addr) bool {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.hosts[a]
}

func (b *banned) Add(a netip.Addr) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.hosts[a] = true
}

// Anything that answers Contains is a block list. The socket asks it for each
// datagram, so it may change while the socket runs.
func ExampleBlockList() {
	ctx := context.Background()
	list := &banned{hosts: map[netip.Addr]bool{}}
	s, err := udp.New("udp4", udp.WithSendBlockList(list))
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	to := netip.MustParseAddrPort("127.0.0.1:9")
	fmt.Println(s.SendTo(ctx, to, []byte("hello")))
	list.Add(to.Addr())
	fmt.Println(errors.Is(s.SendTo(ctx, to, []byte("hello")), udp.ErrBlocked))

	// Output:
	// <nil>
	// true
}
