package udp_test

import (
	"context"
	"net/netip"
	"syscall"
	"testing"

	"example.com/dgram/internal/kernel"
	"example.com/dgram/udp"
)

func TestALoopEndsWithAnErrorThatPersists(t *testing.T) {
	simulated(t, func(t *testing.T, s *udp.Socket, c *simConn) {
		c.change(func() { c.broken = syscall.ENOMEM })
		seen := 0
		for _, err := range s.All(context.Background()) {
			fails(t, err, syscall.ENOMEM)
			seen++
		}
		if seen == 0 || seen > 20 {
			t.Errorf("the loop saw %d errors", seen)
		}
		fails(t, s.Err(), syscall.ENOMEM)
	})
}

// A loop that is left in the middle of the news has seen some of it; the rest
// is on Errors.
func TestNewsThatALoopLeavesIsOnErrors(t *testing.T) {
	simulated(t, func(t *testing.T, s *udp.Socket, c *simConn) {
		other := netip.MustParseAddrPort("192.0.2.50:50")
		c.change(func() {
			c.refusals = []kernel.Refusal{refusal(friend, syscall.ECONNREFUSED), refusal(other, syscall.EHOSTUNREACH)}
			c.errs = []error{syscall.ECONNREFUSED}
		})
		for _, err := range s.All(context.Background()) {
			fails(t, err, syscall.ECONNREFUSED)
			shaped(t, err, "read", friend.String())
			break
		}
		err := <-s.Errors()
		fails(t, err, syscall.EHOSTUNREACH)
		shaped(t, err, "read", other.String())
		same(t, "errors", s.Stats().Errors, 2)
	}, udp.WithICMPErrors())
}

// A consumer that panics takes itself down; the socket is closed by whoever
// deferred that, and the port is free.
func TestAConsumerThatPanicsFreesThePort(t *testing.T) {
	s := listen(t, "udp4", "127.0.0.1:0")
	where := at(t, s)
	send(t, s, where, "bad news")
	said := make(chan any, 1)
	go func() {
		defer func() { said <- recover() }()
		defer s.Close()
		panic(string((<-s.Messages()).Data))
	}()
	panicked, _ := take(t, "the panic", said)
	same(t, "panic", panicked, any("bad news"))
	again := listen(t, "udp4", where.String())
	same(t, "address", at(t, again), where)
}

// A body of a loop that panics leaves the socket fit for the next.
func TestALoopThatPanicsLeavesTheSocketFit(t *testing.T) {
	s := listen(t, "udp4", "127.0.0.1:0")
	send(t, s, at(t, s), "one")
	send(t, s, at(t, s), "two")
	func() {
		defer func() { _ = recover() }()
		for range s.All(t.Context()) {
			panic("bad news")
		}
	}()
	for m, err := range s.All(t.Context()) {
		ok(t, err)
		same(t, "next message", string(m.Data), "two")
		break
	}
}
