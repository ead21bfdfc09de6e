package udptest

import (
	"fmt"
	"net/netip"
	"sync"
	"testing"

	"example.com/dgram/udp"
	"example.com/dgram/udp/udptest/internal/sim"
)

// A Network connects simulated hosts. Its methods may be called from any
// goroutine, those that make or change something from the test's. An argument that is
// wrong ends the test at the caller's line.
type Network struct {
	t   testing.TB
	net *sim.Network

	mu         sync.Mutex
	hosts      []*Host
	addressing addressing
	sockets    []*udp.Socket // that may be open
	sweep      int           // len(sockets) at which those that have ended are forgotten
}

// An Option configures a network.
type Option func(*config)

type config struct {
	seed  uint64
	fates int
	err   error
}

// Seed chooses the network's random numbers. Without it the seed is 0: every
// run is the same.
func Seed(n uint64) Option { return func(c *config) { c.seed = n } }

// KeepFates bounds the list that [Network.Fates] yields to the last n, 65536 by
// default. The totals of [Network.Totals] count all.
func KeepFates(n int) Option {
	return func(c *config) {
		if c.fates = n; n < 0 {
			c.err = fmt.Errorf("KeepFates(%d): negative", n)
		}
	}
}

const defaultFates = 65536

// NewNetwork makes a network that lasts as long as the test. Then the sockets of
// its hosts are closed and what is in flight is dropped.
//
// In a bubble of testing/synctest the network runs on the bubble's clock; it has
// to be made inside the bubble, and so have contexts and sockets. Elsewhere it
// runs in real time.
func NewNetwork(t testing.TB, opts ...Option) *Network {
	t.Helper()
	c := config{fates: defaultFates}
	for _, o := range opts {
		if o == nil {
			t.Fatal("udptest: nil option")
		}
		o(&c)
	}
	if c.err != nil {
		t.Fatalf("udptest: %v", c.err)
	}
	n := &Network{t: t, net: sim.New(c.seed, c.fates)}
	t.Cleanup(n.close)
	return n
}

// close ends what the test has left.
func (n *Network) close() {
	n.mu.Lock()
	sockets := n.sockets
	n.sockets = nil
	n.mu.Unlock()
	for _, s := range sockets {
		s.Close()
	}
	n.net.Close()
}

// own remembers a socket, to close it when the test ends.
func (n *Network) own(s *udp.Socket) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.sockets) >= n.sweep {
		open := n.sockets[:0]
		for _, s := range n.sockets {
			select {
			case <-s.Done():
			default:
				open = append(open, s)
			}
		}
		clear(n.sockets[len(open):])
		n.sockets, n.sweep = open, 2*len(open)+64
	}
	n.sockets = append(n.sockets, s)
}

// Host makes a host with addresses: "192.0.2.1/24", "2001:db8::1/64". The prefix
// is the segment that broadcasts and groups reach; without a length it is 24 or
// 64 bits. A host has one interface, eth0, unless a zone names others:
// "fe80::1%eth1/64". It has lo with 127.0.0.0/8 and ::1 in any case. Without
// addresses it is given one of each family.
//
// Hosts reach each other whatever their prefixes are, without a router between
// them. Addresses are unique, but for the insides of different NATs. Those that a
// host is given are in 198.18.0.0/15 and 2001:db8::/64, and none that the test has
// used before.
func (n *Network) Host(addrs ...string) *Host {
	n.t.Helper()
	parsed, err := n.addresses(addrs)
	if err != nil {
		n.t.Fatalf("udptest: Host: %v", err)
	}
	h := &Host{n: n, host: n.net.AddHost(parsed[0].Prefix.Addr().String(), parsed...)}
	n.mu.Lock()
	n.hosts = append(n.hosts, h)
	n.mu.Unlock()
	return h
}

// addresses are those of a new host.
func (n *Network) addresses(texts []string) ([]sim.Address, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(texts) == 0 {
		return n.addressing.next(len(n.hosts) + 1)
	}
	parsed, err := parse(texts)
	for _, a := range parsed {
		n.addressing.use(a.Prefix.Addr())
	}
	return parsed, err
}

// Partition cuts two hosts off from each other, in both directions: what they
// send, and what is in flight between them, is lost until Heal.
func (n *Network) Partition(a, b *Host) {
	n.t.Helper()
	n.pair("Partition", a, b)
	n.net.Partition(a.host, b.host)
}

// Heal ends a partition of two hosts.
func (n *Network) Heal(a, b *Host) {
	n.t.Helper()
	n.pair("Heal", a, b)
	n.net.Heal(a.host, b.host)
}

// pair checks that two hosts are two hosts of the network.
func (n *Network) pair(call string, a, b *Host) {
	n.t.Helper()
	n.mine(call, a, b)
	if a == b {
		n.t.Fatalf("udptest: %s: host %v and itself", call, a)
	}
}

func (n *Network) mine(call string, hosts ...*Host) {
	n.t.Helper()
	for _, h := range hosts {
		switch {
		case h == nil:
			n.t.Fatalf("udptest: %s: nil host", call)
		case h.n != n:
			n.t.Fatalf("udptest: %s: host %v is another network's", call, h)
		}
	}
}

// outside reads the address of a NAT.
func outside(s string) (netip.Addr, error) {
	a, err := sim.ParseAddress(s)
	return a.Prefix.Addr(), err
}
