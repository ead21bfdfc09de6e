package udp_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/netip"
	"sync"
	"syscall"

	"example.com/dgram/udp"
)

// WithContext ends the socket with a context, as an AbortSignal does in Node.
func ExampleWithContext() {
	ctx, cancel := context.WithCancel(context.Background())
	s, err := udp.New("udp4", udp.WithContext(ctx))
	if err != nil {
		log.Fatal(err)
	}
	cancel()
	<-s.Done()
	fmt.Println(s.Err())

	// Output: context canceled
}

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

// WithOverflow chooses what is lost when the receiver is slow: with
// DropOldest, what has waited longest.
func ExampleWithOverflow() {
	ctx := context.Background()
	s, err := udp.Listen(ctx, "udp4", "127.0.0.1:0",
		udp.WithMessageBuffer(1), udp.WithOverflow(udp.OverflowDropOldest))
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	address := s.LocalAddr()
	messages := s.Messages()
	for _, price := range []string{"101", "102", "103"} {
		if err := s.SendTo(ctx, address, []byte(price)); err != nil {
			log.Fatal(err)
		}
	}

	// One error for the whole episode, not one for each datagram.
	var overflow *udp.OverflowError
	if err := <-s.Errors(); errors.As(err, &overflow) {
		fmt.Println("missed:", s.Stats().DroppedOverflow)
	}
	fmt.Printf("now: %s\n", (<-messages).Data)

	// Output:
	// missed: 2
	// now: 103
}

// WithMessageBuffer is how far the receiver may fall behind before the
// datagrams wait in the kernel.
func ExampleWithMessageBuffer() {
	s, err := udp.Listen(context.Background(), "udp4", "127.0.0.1:0", udp.WithMessageBuffer(256))
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	fmt.Println(cap(s.Messages()))

	// Output: 256
}

// WithErrorBuffer is how many errors wait for whoever looks at them.
func ExampleWithErrorBuffer() {
	s, err := udp.Listen(context.Background(), "udp4", "127.0.0.1:0", udp.WithErrorBuffer(1))
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	fmt.Println(cap(s.Errors()))

	// Output: 1
}

// WithSendQueue is how many datagrams the Outbox takes before its sender
// waits.
func ExampleWithSendQueue() {
	s, err := udp.Listen(context.Background(), "udp4", "127.0.0.1:0", udp.WithSendQueue(1024))
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	fmt.Println(cap(s.Outbox()))

	// Output: 1024
}

// WithLookup resolves names in a way of one's own: a (*net.Resolver).LookupNetIP
// of another server, a cache, a fixed table. Literals never reach it.
func ExampleWithLookup() {
	ctx := context.Background()
	table := func(ctx context.Context, network, host string) ([]netip.Addr, error) {
		fmt.Println("looking up", host, "for", network)
		return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
	}
	s, err := udp.New("udp4", udp.WithLookup(table))
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	fmt.Println(s.Resolve(ctx, "printer.local:631"))
	fmt.Println(s.Resolve(ctx, "192.0.2.1:631"))

	// Output:
	// looking up printer.local for ip4
	// 127.0.0.1:631 <nil>
	// 192.0.2.1:631 <nil>
}

// WithMaxDatagram cuts off what no honest peer would send.
func ExampleWithMaxDatagram() {
	ctx := context.Background()
	s, err := udp.Listen(ctx, "udp4", "127.0.0.1:0", udp.WithMaxDatagram(5))
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	address := s.LocalAddr()
	for _, text := range []string{"short", "too long"} {
		if err := s.SendTo(ctx, address, []byte(text)); err != nil {
			log.Fatal(err)
		}
	}
	for range 2 {
		m := <-s.Messages()
		fmt.Printf("%q %v\n", m.Data, m.Truncated)
	}

	// Output:
	// "short" false
	// "too l" true
}

// WithPacketInfo says for each datagram which address it was sent to, and on
// which interface it came in. A socket on every address says so unasked.
func ExampleWithPacketInfo() {
	ctx := context.Background()
	s, err := udp.Listen(ctx, "udp4", ":0", udp.WithPacketInfo(true))
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	address := s.LocalAddr()
	host := fmt.Sprintf("127.0.0.1:%d", address.Port())
	if err := s.SendToHost(ctx, host, []byte("hello")); err != nil {
		log.Fatal(err)
	}
	m := <-s.Messages()
	fmt.Println(m.To, m.Interface > 0)

	// Output: 127.0.0.1 true
}

// WithReadBuffer makes room in the kernel for bursts, WithWriteBuffer for what
// the network takes more slowly than it is sent.
func ExampleWithReadBuffer() {
	s, err := udp.Listen(context.Background(), "udp4", "127.0.0.1:0",
		udp.WithReadBuffer(128<<10), udp.WithWriteBuffer(64<<10))
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	fmt.Println(s.ReadBuffer())
	fmt.Println(s.WriteBuffer())

	// Output:
	// 131072 <nil>
	// 65536 <nil>
}

func ExampleWithTTL() {
	s, err := udp.Listen(context.Background(), "udp4", "127.0.0.1:0", udp.WithTTL(8))
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	fmt.Println(s.TTL())

	// Output: 8 <nil>
}

// WithIPv6Only keeps IPv4 out. Without it a "udp6" socket speaks both.
func ExampleWithIPv6Only() {
	ctx := context.Background()
	to4 := netip.MustParseAddrPort("127.0.0.1:9")
	only, err := udp.New("udp6", udp.WithIPv6Only())
	if err != nil {
		log.Fatal(err)
	}
	defer only.Close()
	err = only.SendTo(ctx, to4, []byte("hello"))
	fmt.Println(errors.Is(err, udp.ErrAddressFamily))

	// Output: true
}

// WithReuseAddr lets several sockets have one multicast port. Each gets a copy.
func ExampleWithReuseAddr() {
	ctx := context.Background()
	first, err := udp.Listen(ctx, "udp4", ":0", udp.WithReuseAddr())
	if err != nil {
		log.Fatal(err)
	}
	defer first.Close()
	address := first.LocalAddr()
	second, err := udp.Listen(ctx, "udp4", address.String(), udp.WithReuseAddr())
	if err != nil {
		log.Fatal(err)
	}
	defer second.Close()
	same := second.LocalAddr()
	fmt.Println(address == same)

	// Output: true
}

// WithOffload(false) makes Stats.DroppedKernel exact, for a tenth more work at
// high rates.
func ExampleWithOffload() {
	ctx := context.Background()
	s, err := udp.Listen(ctx, "udp4", "127.0.0.1:0", udp.WithOffload(false))
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	fmt.Println("dropped by the kernel:", s.Stats().DroppedKernel)

	// Output: dropped by the kernel: 0
}

// WithControl sets an option that this package does not know, before the
// socket is bound.
func ExampleWithControl() {
	control := func(network, address string, c syscall.RawConn) error {
		fmt.Println("about to bind", network, address)
		return c.Control(func(fd uintptr) {
			// setsockopt here
		})
	}
	s, err := udp.Listen(context.Background(), "udp4", "127.0.0.1:0", udp.WithControl(control))
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()

	// Output: about to bind udp4 127.0.0.1:0
}
