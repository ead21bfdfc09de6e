package udp_test

import (
	"context"
	"errors"
	"iter"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/ipv4"

	"example.com/dgram/udp"
)

// A reading is one way to read a socket. Its next waits for a datagram, or for the error
// that this way returns: net.ErrClosed after the end, and none of those that are on Errors.
type reading struct {
	next func() (udp.Message, error)
	stop func()
}

// readings are the ways to read.
var readings = map[string]func(t testing.TB, s *udp.Socket) reading{
	"Messages": func(_ testing.TB, s *udp.Socket) reading {
		messages, stopped := s.Messages(), make(chan struct{})
		return reading{stop: sync.OnceFunc(func() { close(stopped) }), next: func() (udp.Message, error) {
			timer := time.NewTimer(soon)
			defer timer.Stop()
			select {
			case m, open := <-messages:
				if !open {
					return m, errors.Join(net.ErrClosed, s.Err())
				}
				return m, nil
			case <-timer.C:
				return udp.Message{}, os.ErrDeadlineExceeded
			case <-stopped:
				return udp.Message{}, context.Canceled
			}
		}}
	},
	"All": func(_ testing.TB, s *udp.Socket) reading {
		ctx, cancel := context.WithCancel(context.Background())
		next, stop := iter.Pull2(s.All(ctx))
		var mu sync.Mutex // of the iterator
		return reading{stop: func() { cancel(); mu.Lock(); defer mu.Unlock(); stop() }, next: func() (udp.Message, error) {
			mu.Lock()
			defer mu.Unlock()
			defer time.AfterFunc(soon, cancel).Stop()
			m, err, more := next()
			if !more {
				return m, errors.Join(net.ErrClosed, s.Err(), ctx.Err())
			}
			return m, err
		}}
	},
	"Receive": func(_ testing.TB, s *udp.Socket) reading {
		return limited(func(ctx context.Context) (udp.Message, error) { return s.Receive(ctx) })
	},
	"ReceiveBatch": func(_ testing.TB, s *udp.Socket) reading {
		return limited(func(ctx context.Context) (udp.Message, error) {
			ms := make([]udp.Message, 1)
			_, err := s.ReceiveBatch(ctx, ms)
			return ms[0], err
		})
	},
	"TryReceive": func(_ testing.TB, s *udp.Socket) reading {
		return limited(func(ctx context.Context) (udp.Message, error) {
			tick := time.NewTicker(50 * time.Microsecond)
			defer tick.Stop()
			for {
				if m, got := s.TryReceive(); got {
					return m, nil
				}
				select {
				case <-s.Done():
					return udp.Message{}, errors.Join(net.ErrClosed, s.Err())
				case <-ctx.Done():
					return udp.Message{}, ctx.Err()
				case <-tick.C:
				}
			}
		})
	},
	"ReadFrom": viewReading(func(v *udp.PacketConn, b []byte) (int, net.Addr, error) { return v.ReadFrom(b) }),
}

// moreReadings are ways to read that are like others but for how they wait and end.
var moreReadings = map[string]func(t testing.TB, s *udp.Socket) reading{
	"Receive, each time with another context": func(_ testing.TB, s *udp.Socket) reading {
		return limited(func(ctx context.Context) (udp.Message, error) {
			short, cancel := context.WithTimeout(ctx, 100*time.Microsecond)
			defer cancel()
			return s.Receive(short)
		})
	},
	"ReadMsgUDP": viewReading(func(v *udp.PacketConn, b []byte) (int, net.Addr, error) {
		n, _, _, from, err := v.ReadMsgUDP(b, nil)
		return n, from, err
	}),
	"ReadBatch": viewReading(func(v *udp.PacketConn, b []byte) (int, net.Addr, error) {
		ms := []ipv4.Message{{Buffers: [][]byte{b}}}
		_, err := v.ReadBatch(ms, 0)
		return ms[0].N, ms[0].Addr, err
	}),
	"SyscallConn": viewReading(func(v *udp.PacketConn, _ []byte) (int, net.Addr, error) { // it returns no datagram
		raw, err := v.SyscallConn()
		if err != nil {
			return 0, nil, err
		}
		return 0, new(net.UDPAddr), raw.Read(func(uintptr) bool { return false })
	}),
}

// viewReading is a reading by way of the view. A read deadline ends it.
func viewReading(read func(v *udp.PacketConn, b []byte) (int, net.Addr, error)) func(t testing.TB, s *udp.Socket) reading {
	return func(_ testing.TB, s *udp.Socket) reading {
		v := s.PacketConn()
		b := make([]byte, 1<<16)
		stop := func() { _ = v.SetReadDeadline(time.Unix(1, 0)) }
		return reading{stop: stop, next: func() (udp.Message, error) {
			defer time.AfterFunc(soon, stop).Stop()
			n, from, err := read(v, b)
			if err != nil {
				return udp.Message{}, err
			}
			return udp.Message{Data: append([]byte(nil), b[:n]...), From: from.(*net.UDPAddr).AddrPort()}, nil
		}}
	}
}

// limited is a reading by a call that takes a context.
func limited(receive func(ctx context.Context) (udp.Message, error)) reading {
	ctx, stop := context.WithCancel(context.Background())
	return reading{stop: stop, next: func() (udp.Message, error) {
		short, cancel := context.WithTimeout(ctx, soon)
		defer cancel()
		return receive(short)
	}}
}

// count reads to the end of the stream and returns the number of datagrams.
func (r reading) count() (n int, end error) {
	for {
		switch _, err := r.next(); {
		case err == nil:
			n++
		case errors.Is(err, net.ErrClosed), errors.Is(err, context.DeadlineExceeded):
			return n, err
		}
	}
}

// A stream is a reading that goes on beside the test: it waits for datagrams before they
// are sent.
type stream struct {
	messages <-chan udp.Message
	stop     func()
}

// start begins to read.
func start(t testing.TB, r reading) stream {
	c, stopped := make(chan udp.Message), make(chan struct{})
	over := begin(func() {
		defer close(c)
		for {
			m, err := r.next()
			switch {
			case err == nil:
			case errors.Is(err, net.ErrClosed), errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.Canceled):
				return
			default:
				continue
			}
			select {
			case c <- m:
			case <-stopped:
				return
			}
		}
	})
	stop := sync.OnceFunc(func() { close(stopped); r.stop(); <-over })
	t.Cleanup(stop)
	return stream{c, stop}
}

// expect expects payloads, in order.
func (s stream) expect(t testing.TB, payloads ...string) {
	t.Helper()
	for _, want := range payloads {
		m, open := take(t, "message", s.messages)
		if !open {
			t.Fatalf("the stream is over, want %q", brief(want))
		}
		if got := string(m.Data); got != want {
			t.Fatalf("received %q, want %q", brief(got), brief(want))
		}
	}
}

// everyReading runs a test for each way of reading and each family.
func everyReading(t *testing.T, f func(t *testing.T, fam family, read func(testing.TB, *udp.Socket) reading)) {
	each(t, func(t *testing.T, fam family) {
		for way, read := range readings {
			t.Run(way, func(t *testing.T) { f(t, fam, read) })
		}
	})
}
