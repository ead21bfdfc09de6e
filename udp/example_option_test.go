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
