package main

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// scaled measures CPU per datagram of a process with many active sockets: datagrams
// come one by one at an even pace, to each socket in turn. Its variants say how many
// sockets there are, as in "messages@10000".
type scaled struct {
	b     *bench
	gap   time.Duration
	n     int // datagrams in a turn
	turns int // counted ones; one more comes first, to warm up
}

func (s scaled) round(ctx context.Context, variants []string) map[string]sample {
	samples := map[string]sample{}
	crowds := map[string]*crowd{}
	for _, v := range variants {
		c, err := openCrowd(ctx, s.b, v, s.n)
		if err != nil {
			samples[v] = sample{err: err}
			continue
		}
		defer c.close()
		crowds[v] = c
	}
	for range s.turns + 1 {
		for _, v := range variants {
			if c := crowds[v]; c != nil && samples[v].err == nil {
				if err := c.once(s.n, s.gap); err != nil {
					samples[v] = sample{err: err}
				}
			}
		}
	}
	for v, c := range crowds {
		if samples[v].err == nil {
			samples[v] = sample{values: map[metric]float64{cpu: median(c.cpu[1:])}}
		}
	}
	return samples
}

// A crowd is a child in role many, and a socket to send to all of its sockets.
type crowd struct {
	*child
	memory float64 // heap and stack, in bytes a socket
	fd     int
	to     []unix.Sockaddr
	cpu    []float64
}

// openCrowd starts a variant such as "net@100"; it reports every so many datagrams.
func openCrowd(ctx context.Context, b *bench, variant string, every int) (*crowd, error) {
	path, variant := b.program(variant)
	name, number, _ := strings.Cut(variant, "@")
	count, err := strconv.Atoi(number)
	if err != nil {
		return nil, err
	}
	ip := b.crowdIP()
	c, ready, err := start(ctx, variant, b.oneP(), path, "role", "many", name, ip.String(), number, strconv.Itoa(every))
	if err != nil {
		return nil, err
	}
	if len(ready.numbers) != 2+count {
		c.stop()
		return nil, fmt.Errorf("%s: ready with %d sockets", variant, len(ready.numbers)-2)
	}
	fd, err := unix.Socket(familyOf(b.ip), unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		c.stop()
		return nil, err
	}
	all := &crowd{child: c, fd: fd, memory: float64(ready.numbers[0]+ready.numbers[1]) / float64(count)}
	for _, port := range ready.numbers[2:] {
		all.to = append(all.to, sockaddr(netip.AddrPortFrom(ip, uint16(port))))
	}
	return all, nil
}

// crowdIP is a loopback address of each crowd's own: two crowds and somebody else's tests
// would not find ports enough on one. IPv6 has but one.
func (b *bench) crowdIP() netip.Addr {
	if !b.ip.Is4() {
		return b.ip
	}
	b.crowds++
	pid := os.Getpid()
	return netip.AddrFrom4([4]byte{127, byte(pid>>8) | 1, byte(pid), byte(b.crowds%250 + 1)})
}

func (c *crowd) once(n int, gap time.Duration) error {
	payload := make([]byte, 64)
	before := cpuOf(c.cmd.Process.Pid)
	err := paced(n, gap, func(i int) error { return unix.Sendto(c.fd, payload, 0, c.to[i%len(c.to)]) })
	if err != nil {
		return err
	}
	got, err := c.expect("got", 5*time.Second)
	if err != nil {
		return err
	}
	c.cpu = append(c.cpu, float64(got.numbers[3]-before)/float64(n))
	return nil
}

func (c *crowd) close() {
	unix.Close(c.fd)
	c.stop()
}
