package udp_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"example.com/dgram/udp"
)

// Connect goes on to the next answer where the kernel has no route to the first.
func TestConnectGoesOnToTheNextAddress(t *testing.T) {
	no, four, six := netip.MustParseAddr("203.0.113.1"), netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")
	for _, c := range []struct {
		answers []netip.Addr
		want    netip.Addr
	}{
		{[]netip.Addr{no, six, four}, six},
		{[]netip.Addr{no, four, six}, four},
		{[]netip.Addr{four, no}, four},
		{[]netip.Addr{no}, netip.Addr{}},
	} {
		for _, bound := range []bool{false, true} {
			k := newSimKernel(t)
			k.unreachable = no
			s, err := udp.NewOn(k, "udp6", udp.WithLookup(looked("name", c.answers...).lookup))
			mine(t, s, err)
			if bound {
				ok(t, s.Bind(t.Context(), ":0"))
			}
			err = s.Connect(t.Context(), "name:9")
			if !c.want.IsValid() {
				fails(t, err, syscall.ENETUNREACH)
				shaped(t, err, "connect", "name:9")
				same(t, "peer", s.RemoteAddr(), netip.AddrPort{})
				continue
			}
			ok(t, err)
			same(t, fmt.Sprint(c.answers), s.RemoteAddr(), netip.AddrPortFrom(c.want, 9))
		}
	}
}

// Without IPv6 on the machine, an IPv4 answer behind an IPv6 one is taken by every call.
func TestIPv6AnswersArePassedOverWithoutIPv6(t *testing.T) {
	for op, call := range resolving {
		for _, opts := range [][]udp.Option{nil, {udp.WithLookupCache(time.Hour)}} {
			k := newSimKernel(t)
			k.noIPv6 = true
			lookup := looked("name", netip.IPv6Loopback(), friend.Addr())
			lookup.known["six"] = []netip.Addr{netip.IPv6Loopback()}
			s, err := udp.NewOn(k, "udp", append(opts, udp.WithLookup(lookup.lookup))...)
			mine(t, s, err)
			fails(t, call(t.Context(), s, "six:7"), udp.ErrAddressFamily)
			if err := call(t.Context(), s, "name:7"); err != nil {
				t.Errorf("%s: %v", op, err)
			}
			if op == "connect" {
				same(t, "peer", s.RemoteAddr(), friend)
			}
		}
	}
}

func TestResolveNeedsNoSocket(t *testing.T) {
	for _, c := range []struct {
		network, address, want string
	}{
		{"udp", "127.0.0.1:9", "127.0.0.1:9"},
		{"udp", "[2001:db8::1]:9", "[2001:db8::1]:9"},
		{"udp", "localhost:9", "127.0.0.1:9"},
		{"udp4", "[::ffff:192.0.2.1]:9", "192.0.2.1:9"},
		{"udp4", ":9", "127.0.0.1:9"},
		{"udp6", "[::1]:9", "[::1]:9"},
	} {
		a, err := udp.Resolve(t.Context(), c.network, c.address)
		ok(t, err)
		same(t, c.network+" "+c.address, a.String(), c.want)
	}
	_, err := udp.Resolve(t.Context(), "tcp", "localhost:9")
	fails(t, err, net.UnknownNetworkError("tcp"))
	_, err = udp.Resolve(done(), "udp", "localhost:9")
	fails(t, err, context.Canceled)
	_, err = udp.Resolve(t.Context(), "udp4", "[::1]:9")
	fails(t, err, udp.ErrAddressFamily)
}

// counting is a lookup that gives friend's address, fails while broken is set, and
// takes its time.
type counting struct {
	asked  atomic.Int64
	broken atomic.Bool
	slow   time.Duration
}

func (c *counting) lookup(ctx context.Context, _, _ string) ([]netip.Addr, error) {
	c.asked.Add(1)
	select {
	case <-time.After(c.slow):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if c.broken.Load() {
		return nil, errors.New("resolver is down")
	}
	return []netip.Addr{friend.Addr()}, nil
}

func TestLookupCache(t *testing.T) {
	const life = 10 * time.Second
	c := &counting{slow: time.Second}
	simulated(t, func(t *testing.T, s *udp.Socket, _ *simConn) {
		ctx := context.Background()
		send := func() error { return s.SendToHost(ctx, "name:7", nil) }
		asked := func(n int64) { t.Helper(); synctest.Wait(); same(t, "lookups", c.asked.Load(), n) }

		c.broken.Store(true)
		fails(t, send())
		c.broken.Store(false)
		asked(1) // and the failure is not cached

		concurrently(8, func(int) { // one lookup for all
			if err := send(); err != nil {
				t.Error(err)
			}
		})
		asked(2)
		ok(t, send())
		asked(2)

		time.Sleep(life + time.Second) // old: used, and looked up again in the background
		began := time.Now()
		ok(t, send())
		ok(t, send())
		same(t, "waited", time.Since(began), 0)
		asked(3)

		c.broken.Store(true) // a refresh that fails keeps the answer, and comes again after a while
		time.Sleep(life + 2*time.Second)
		ok(t, send())
		time.Sleep(2 * time.Second)
		ok(t, send())
		asked(4)
		time.Sleep(life)
		ok(t, send())
		asked(5)

		_, err := s.Resolve(ctx, "name:7") // SendToHost alone uses it
		fails(t, err)
	}, udp.WithLookup(c.lookup), udp.WithLookupCache(life))
}

// A lookup is the socket's: a caller that gives up costs others nothing, and the end
// of the socket stops it.
func TestALookupOutlivesItsCaller(t *testing.T) {
	c := &counting{slow: time.Second}
	simulated(t, func(t *testing.T, s *udp.Socket, _ *simConn) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
		defer cancel()
		fails(t, s.SendToHost(ctx, "name:7"), context.DeadlineExceeded)
		ok(t, s.SendToHost(context.Background(), "name:7"))
		same(t, "lookups", c.asked.Load(), 1)
		sent := later(func() error { return s.SendToHost(context.Background(), "other:7") })
		synctest.Wait()
		s.Close()
		fails(t, <-sent)
	}, udp.WithLookup(c.lookup), udp.WithLookupCache(time.Hour))
}

func TestLookupCacheIsBounded(t *testing.T) {
	c := &counting{}
	simulated(t, func(t *testing.T, s *udp.Socket, _ *simConn) {
		const bound = 1024
		for range 2 {
			for i := range bound + 1 {
				ok(t, s.SendToHost(context.Background(), fmt.Sprint("n", i, ":7")))
			}
		}
		if n := c.asked.Load(); n <= bound+1 {
			t.Errorf("%d lookups of %d names, twice: all are kept", n, bound+1)
		}
	}, udp.WithLookup(c.lookup), udp.WithLookupCache(time.Hour))
	for _, d := range []time.Duration{0, -1} {
		_, err := udp.New("udp4", udp.WithLookupCache(d))
		fails(t, err, syscall.EINVAL)
	}
}
