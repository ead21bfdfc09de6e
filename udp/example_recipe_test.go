package udp_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/netip"
	"sync"
	"time"

	"example.com/dgram/udp"
)

// The programs of docs/recipes.md. The page shows the functions; the tests of
// internal/pages compare the two.

// A graceful end: the socket stops hearing, and what has arrived is answered.
func Example_shutdown() {
	s := must(udp.Listen(context.Background(), "udp4", "127.0.0.1:0"))
	c := must(udp.Dial(context.Background(), "udp4", s.LocalAddr().String()))
	defer c.Close()
	for range 3 { // they wait in the kernel when the signal comes
		if err := c.Send(context.Background(), []byte("hello")); err != nil {
			log.Fatal(err)
		}
	}
	ctx, signal := context.WithCancel(context.Background())
	signal()
	fmt.Println(serveUntil(ctx, s))
	fmt.Println(s.Stats().Sent, "answered")

	// Output:
	// <nil>
	// 3 answered
}

// serveUntil answers until ctx is done, and then what has arrived by then.
func serveUntil(ctx context.Context, s *udp.Socket) error {
	defer s.Close()
	stop := context.AfterFunc(ctx, func() {
		late, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := s.Drain(late); err != nil { // nil: Messages has been taken to its end
			s.Close()
		}
	})
	defer stop()
	for m := range s.Messages() {
		if err := s.Reply(context.Background(), m, m.Data); err != nil {
			log.Print(err)
		}
	}
	return s.Err()
}

// A loop at a fixed rate takes what has arrived since the last turn.
func Example_tickLoop() {
	s := must(udp.Listen(context.Background(), "udp4", "127.0.0.1:0"))
	defer s.Close()
	c := must(udp.Dial(context.Background(), "udp4", s.LocalAddr().String()))
	defer c.Close()
	for range 100 {
		if err := c.Send(context.Background(), []byte("step")); err != nil {
			log.Fatal(err)
		}
	}
	inputs := 0
	ctx, cancel := context.WithCancel(context.Background())
	tickLoop(ctx, s, func(udp.Message) { inputs++ }, func() {
		if inputs == 100 {
			cancel()
		}
	})
	fmt.Println(inputs, "of 100")

	// Output: 100 of 100
}

// tickLoop applies what has arrived and steps the world, 60 times a second.
func tickLoop(ctx context.Context, s *udp.Socket, apply func(udp.Message), step func()) {
	tick := time.NewTicker(time.Second / 60)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			for m, ok := s.TryReceive(); ok; m, ok = s.TryReceive() {
				apply(m)
				m.Release()
			}
			step()
		case <-ctx.Done():
			return
		}
	}
}

// One datagram to each of many peers, in few system calls.
func Example_fanOut() {
	ctx := context.Background()
	s := must(udp.Listen(ctx, "udp4", "127.0.0.1:0"))
	defer s.Close()
	a, b := must(udp.Listen(ctx, "udp4", "127.0.0.1:0")), must(udp.Listen(ctx, "udp4", "127.0.0.1:0"))
	defer a.Close()
	defer b.Close()
	forged := netip.MustParseAddrPort("127.0.0.1:0") // nothing can be sent to port 0

	gone := fanOut(ctx, s, []netip.AddrPort{a.LocalAddr(), forged, b.LocalAddr()}, []byte("state"))
	fmt.Printf("%s %s, without %v\n", (<-a.Messages()).Data, (<-b.Messages()).Data, gone)

	// Output: state state, without [127.0.0.1:0]
}

// fanOut sends data to every peer. It returns the peers that it could not be
// sent to: one of them does not keep it from the others.
func fanOut(ctx context.Context, s *udp.Socket, peers []netip.AddrPort, data []byte) (failed []netip.AddrPort) {
	batch := make([]udp.Datagram, len(peers))
	for i, peer := range peers {
		batch[i] = udp.Datagram{Data: data, To: peer}
	}
	_, err := s.SendBatch(ctx, batch)
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, err := range joined.Unwrap() {
			var e *udp.SendError
			if errors.As(err, &e) {
				failed = append(failed, peers[e.Index])
			}
		}
	}
	return failed
}

// A question is asked again until its answer comes.
func Example_request() {
	ctx := context.Background()
	server := must(udp.Listen(ctx, "udp4", "127.0.0.1:0"))
	defer server.Close()
	go func() {
		first := true
		for m := range server.Messages() {
			if first { // the network loses one
				first = false
				continue
			}
			_ = server.Reply(ctx, m, m.Data, []byte(" yourself"))
		}
	}()
	c := must(udp.Dial(ctx, "udp4", server.LocalAddr().String()))
	defer c.Close()

	answer, err := request(ctx, c, []byte("hello"))
	fmt.Printf("%s %v\n", answer, err)

	// Output: hello yourself <nil>
}

// request asks until an answer comes or ctx is done. An answer begins with its
// question here: an answer to an earlier question is passed over.
func request(ctx context.Context, c *udp.Socket, question []byte) ([]byte, error) {
	for wait := 100 * time.Millisecond; ; wait *= 2 {
		try, cancel := context.WithTimeout(ctx, wait)
		defer cancel()
		if err := c.Send(try, question); err != nil {
			return nil, err
		}
		for try.Err() == nil {
			m, err := c.Receive(try)
			switch {
			case err == nil && bytes.HasPrefix(m.Data, question):
				return m.Data, nil
			case err != nil && (ctx.Err() != nil || errors.Is(err, net.ErrClosed)):
				return nil, err
			case err != nil && try.Err() == nil:
				log.Print(err) // a report about an earlier datagram: read on
			}
		}
	}
}

// Several goroutines handle what one socket receives.
func Example_workers() {
	ctx := context.Background()
	s := must(udp.Listen(ctx, "udp4", "127.0.0.1:0"))
	c := must(udp.Dial(ctx, "udp4", s.LocalAddr().String()))
	defer c.Close()
	for range 8 {
		if err := c.Send(ctx, []byte("work")); err != nil {
			log.Fatal(err)
		}
	}
	var mu sync.Mutex
	done := 0
	work(s, 4, func(udp.Message) {
		mu.Lock()
		defer mu.Unlock()
		if done++; done == 8 {
			go s.Close()
		}
	})
	fmt.Println(done, "done")

	// Output: 8 done
}

// work handles the messages of a socket in n goroutines, until it ends.
func work(s *udp.Socket, n int, handle func(udp.Message)) {
	var workers sync.WaitGroup
	for range n {
		workers.Go(func() {
			for m := range s.Messages() {
				handle(m)
				m.Release()
			}
		})
	}
	workers.Wait()
}

// must is for programs that cannot go on.
func must(s *udp.Socket, err error) *udp.Socket {
	if err != nil {
		log.Fatal(err)
	}
	return s
}
