package main

import (
	"context"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// sent measures senders: their CPU per datagram and how many they get rid of a second.
// The peers are either live, one process that receives with GRO on the other core, or
// quiet: bound and full, so that nobody is woken and the sender's own work shows best.
type sent struct {
	b      *bench
	on     place
	size   int
	peers  int
	live   bool
	n      int // datagrams in a turn, for those who send them one by one
	turns  int // counted ones; one more comes first, to warm up
	allocs bool
}

func (s sent) round(ctx context.Context, variants []string) map[string]sample {
	samples := map[string]sample{}
	to, closePeers, err := s.open(ctx)
	if err != nil {
		for _, v := range variants {
			samples[v] = sample{err: err}
		}
		return samples
	}
	defer closePeers()
	senders := map[string]*turns{}
	for _, v := range variants {
		c, err := s.b.startSender(ctx, v, s.on, s.size, s.allocs, to)
		if err != nil {
			samples[v] = sample{err: err}
			continue
		}
		defer c.stop()
		senders[v] = &turns{child: c, n: s.turn(v)}
	}
	for range s.turns + 1 {
		for _, v := range variants {
			if t := senders[v]; t != nil && samples[v].err == nil {
				if err := t.once(); err != nil {
					samples[v] = sample{err: err}
				}
			}
		}
	}
	for v, t := range senders {
		if samples[v].err == nil {
			samples[v] = t.sample(s.allocs)
		}
	}
	return samples
}

// turn is how many datagrams a variant sends at a time: those that go out in GSO bursts
// need more for the same length of time.
func (s sent) turn(variant string) int {
	variant = strings.TrimPrefix(variant, otherPrefix)
	if s.peers == 1 && (variant == "outbox" || variant == "sendbatch" || strings.HasSuffix(variant, "gso")) {
		return 10 * s.n
	}
	return s.n
}

// turns is one sender and what it has shown.
type turns struct {
	*child
	n                  int
	cpu, rate, mallocs []float64
}

func (t *turns) once() error {
	if err := t.tell("go %d", t.n); err != nil {
		return err
	}
	l, err := t.expect("sent", 10*time.Second)
	if err != nil {
		return err
	}
	n := float64(l.numbers[0])
	t.cpu = append(t.cpu, float64(l.numbers[3])/n)
	t.rate = append(t.rate, n/float64(l.numbers[2])*1e9)
	t.mallocs = append(t.mallocs, float64(l.numbers[4])/n)
	return nil
}

// sample leaves out the first turn.
func (t *turns) sample(withAllocs bool) sample {
	values := map[metric]float64{cpu: median(t.cpu[1:]), rate: median(t.rate[1:])}
	if withAllocs {
		values = map[metric]float64{allocs: median(t.mallocs[1:])}
	}
	return sample{values: values}
}

// open makes the peers.
func (s sent) open(ctx context.Context) (to []netip.AddrPort, closeAll func(), err error) {
	if s.live {
		at, err := freePort(s.b.ip)
		if err != nil {
			return nil, nil, err
		}
		c, _, err := start(ctx, "sink", s.b.oneP(), s.b.self, "role", "sink", at.Addr().String(), strconv.Itoa(int(at.Port())))
		if err != nil {
			return nil, nil, err
		}
		return []netip.AddrPort{at}, c.stop, nil
	}
	var fds []int
	closeAll = func() {
		for _, fd := range fds {
			unix.Close(fd)
		}
	}
	for range s.peers {
		fd, err := unix.Socket(familyOf(s.b.ip), unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			closeAll()
			return nil, nil, err
		}
		fds = append(fds, fd)
		at, err := bindTo(fd, netip.AddrPortFrom(s.b.ip, 0))
		if err != nil {
			closeAll()
			return nil, nil, err
		}
		to = append(to, at)
	}
	return to, closeAll, nil
}
