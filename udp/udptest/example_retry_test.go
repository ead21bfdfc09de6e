package udptest_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"example.com/dgram/udp"
	"example.com/dgram/udp/udptest"
)

// ask sends a question until an answer comes, at most ten times.
func ask(ctx context.Context, s *udp.Socket, question []byte) (udp.Message, error) {
	for range 10 {
		if err := s.Send(ctx, question); err != nil {
			return udp.Message{}, err
		}
		try, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
		m, err := s.Receive(try)
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
			return m, err
		}
	}
	return udp.Message{}, errors.New("no answer")
}

// A client that retries is tested through 30 % loss in each direction: a hundred
// questions take half a minute of the network's time, and no time.
func testRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := udptest.NewNetwork(t, udptest.Seed(1))
		client, server := n.Host("192.0.2.1"), n.Host("192.0.2.2")
		n.Link(client, server, udptest.Latency(80*time.Millisecond), udptest.Loss(0.3))

		echo, err := server.Listen(t.Context(), "udp4", "192.0.2.2:7")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			for m := range echo.Messages() {
				echo.Reply(t.Context(), m, m.Data)
			}
		}()
		s, err := client.Dial(t.Context(), "udp4", "192.0.2.2:7")
		if err != nil {
			t.Fatal(err)
		}
		for i := range 100 {
			if _, err := ask(t.Context(), s, fmt.Append(nil, i)); err != nil {
				t.Errorf("question %d: %v", i, err)
			}
		}
	})
}

func Example_retry() {
	run(testRetries)
	// Output: PASS
}
