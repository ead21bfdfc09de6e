package udp_test

import (
	"runtime"
	"sync"
	"testing"
	"time"

	"example.com/dgram/udp"
)

// take waits for something from a channel; false means that it is closed.
func take[T any](t testing.TB, what string, from <-chan T) (T, bool) {
	t.Helper()
	timer := time.NewTimer(soon)
	defer timer.Stop()
	select {
	case v, open := <-from:
		return v, open
	case <-timer.C:
		stacks(t)
		t.Fatalf("waited in vain: %s", what)
		panic("not reached")
	}
}

// ended waits for a channel that closes and carries nothing.
func ended(t testing.TB, what string, c <-chan struct{}) {
	t.Helper()
	if _, open := take(t, what, c); open {
		t.Fatalf("%s: the channel carries values", what)
	}
}

// drained drains a channel and expects it to close. It returns what was in it.
func drained[T any](t testing.TB, what string, c <-chan T) (rest []T) {
	t.Helper()
	for {
		v, open := take(t, what, c)
		if !open {
			return rest
		}
		rest = append(rest, v)
	}
}

// empty expects nothing in a channel that is open.
func empty[T any](t testing.TB, what string, c <-chan T) {
	t.Helper()
	select {
	case v, open := <-c:
		t.Fatalf("%s: %v (open: %v), want nothing", what, v, open)
	default:
	}
}

// within expects a call to return.
func door(t testing.TB, what string, f func()) {
	t.Helper()
	take(t, what, begin(f))
}

// begin runs f beside the test. The channel closes when it has returned.
func begin(f func()) <-chan struct{} {
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	return done
}

// later runs f beside the test, for its error.
func later(f func() error) <-chan error {
	result := make(chan error, 1)
	go func() { result <- f() }()
	return result
}

// credit bounds what is on its way to a socket: spend before sending a datagram of at
// most size bytes, earn after receiving it. What is spent fits the receive buffer that
// the system granted, where each datagram takes up to size+1024 bytes and the buffer
// has twice what ReadBuffer says.
func credit(t testing.TB, s *udp.Socket, size int) (spend, earn func()) {
	t.Helper()
	granted, err := s.ReadBuffer()
	ok(t, err)
	spent := make(chan struct{}, max(1, granted/(size+1024)))
	spend = func() {
		select {
		case spent <- struct{}{}:
		case <-t.Context().Done():
		}
	}
	return spend, func() { <-spent }
}

// arrived returns when what was sent to loopback before has reached its socket, or
// nobody. Before Linux 6.4 a send may leave it in a queue, which is in order: see
// [netlab.Inside].
func arrived(t testing.TB) {
	t.Helper()
	c := std(t, families()[0])
	tell(t, c, of(c), "arrived")
	hear(t, c, "arrived")
	c.Close()
}

// eventually polls what the system does in its own time.
func eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(soon); !cond(); {
		if time.Now().After(deadline) {
			stacks(t)
			t.Fatalf("waited in vain: %s", what)
		}
		runtime.Gosched()
	}
}

// stacks logs what every goroutine does.
func stacks(t testing.TB) {
	t.Helper()
	b := make([]byte, 1<<20)
	t.Logf("%s", b[:runtime.Stack(b, true)])
}

// concurrently runs f n times at once and waits for all of them.
func concurrently(n int, f func(i int)) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { f(i) })
	}
	all.Wait()
}
