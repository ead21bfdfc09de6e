package main

import (
	"context"
	"errors"
	"net/netip"

	"golang.org/x/sys/unix"
)

// echoed measures round trips: this thread sends 64 bytes, waits for them to come back,
// and does so again. Servers take turns, some pings each.
type echoed struct {
	b     *bench
	on    place
	turns int
	pings int // in a turn; one turn more comes first, to warm up
}

func (e echoed) round(ctx context.Context, variants []string) map[string]sample {
	samples := map[string]sample{}
	servers := map[string]*pinger{}
	for _, v := range variants {
		p, err := e.open(ctx, v)
		if err != nil {
			samples[v] = sample{err: err}
			continue
		}
		defer p.close()
		servers[v] = p
	}
	for turn := range e.turns + 1 {
		for _, v := range variants {
			p := servers[v]
			if p == nil || samples[v].err != nil {
				continue
			}
			if err := p.ping(e.pings); err != nil {
				samples[v] = sample{err: err}
			}
			if turn == 0 {
				p.trips = p.trips[:0]
			}
		}
	}
	for v, p := range servers {
		if samples[v].err == nil {
			samples[v] = sample{values: map[metric]float64{p50: median(p.trips), p99: percentile(p.trips, 99)}}
		}
	}
	return samples
}

// A pinger is a connected socket, blocking and without a runtime in between.
type pinger struct {
	receiver
	fd    int
	trips []float64 // ns
}

func (e echoed) open(ctx context.Context, variant string) (*pinger, error) {
	r, err := e.b.startEcho(ctx, variant, e.on)
	if err != nil {
		return nil, err
	}
	fd, err := connected(r.at)
	if err != nil {
		r.stop()
		return nil, err
	}
	return &pinger{receiver: r, fd: fd, trips: make([]float64, 0, e.turns*e.pings)}, nil
}

func connected(to netip.AddrPort) (int, error) {
	fd, err := unix.Socket(familyOf(to.Addr()), unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	patience := unix.Timeval{Sec: 1} // a lost datagram is an error, not a wait for ever
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &patience); err != nil {
		unix.Close(fd)
		return -1, err
	}
	if err := unix.Connect(fd, sockaddr(to)); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

func (p *pinger) ping(n int) error {
	data := make([]byte, 64)
	for range n {
		sent := monotonic()
		if _, err := unix.Write(p.fd, data); err != nil {
			return err
		}
		_, err := unix.Read(p.fd, data)
		for errors.Is(err, unix.EINTR) { // sockets with a patience are not restarted by the kernel
			_, err = unix.Read(p.fd, data)
		}
		if err != nil {
			return err
		}
		p.trips = append(p.trips, float64(monotonic()-sent))
	}
	return nil
}

func (p *pinger) close() {
	unix.Close(p.fd)
	p.stop()
}
