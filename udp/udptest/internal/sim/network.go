// Package sim is a network of simulated hosts in memory: the third
// implementation of the kernel contract, in plain Go.
//
// A [Network] has hosts, links and NATs. A [Host] is a kernel.System: its
// sockets answer as Linux's do. A datagram is delivered in the call that sends
// it where nothing on its way takes time; otherwise it waits in the network's
// queue, which one timer serves. The network has no goroutine.
//
// One mutex guards all state. Nothing waits while it is held, so that every
// wait of a socket is durable in the sense of testing/synctest: waits are for
// channels and timers.
package sim

import (
	"net/netip"
	"sync"
	"time"
)

// A Network is what connects hosts. Its methods and those of its hosts and
// sockets may be called from any goroutine.
type Network struct {
	seed  uint64
	start time.Time

	mu        sync.Mutex
	closed    bool
	hosts     []*Host
	public    *realm
	links     map[direction]*link
	cuts      map[direction]bool // partitions
	topo      uint64             // grows with every change of hosts, NATs and links: routes are cached
	unlimited bool               // reports
	transit   transit
	ledger    ledger
	tap       *tap
}

// A direction is a pair of hosts in the order in which a link is crossed.
type direction struct{ from, to *Host }

// A realm is a set of hosts that reach each other without translation: the
// public network, or the inside of a NAT.
type realm struct {
	addrs map[netip.Addr]*Interface // unicast, without zone; no link-local ones
	nats  map[netip.Addr]*NAT       // by outside address
	gate  *NAT                      // the way out, nil for the public realm
}

func newRealm(gate *NAT) *realm {
	return &realm{addrs: map[netip.Addr]*Interface{}, nats: map[netip.Addr]*NAT{}, gate: gate}
}

// New makes a network. Its random numbers are functions of seed. It keeps the
// last fates datagrams' fates.
func New(seed uint64, fates int) *Network {
	n := &Network{
		seed:   seed,
		start:  time.Now(),
		public: newRealm(nil),
		links:  map[direction]*link{},
		cuts:   map[direction]bool{},
	}
	n.ledger.keep = fates
	return n
}

// now is the time since the network was made. It is monotonic.
func (n *Network) now() time.Duration { return time.Since(n.start) }

// lock and unlock guard everything. What is due arrives first: a call at an
// instant comes after the arrivals of that instant, whether or not the timer has
// fired. What was captured meanwhile is written after the mutex is free.
func (n *Network) lock() {
	n.mu.Lock()
	n.arrivals()
}

func (n *Network) unlock() {
	if n.tap == nil {
		n.mu.Unlock()
		return
	}
	n.flush()
}

// Close drops what is in flight. The sockets are the caller's to close.
func (n *Network) Close() {
	n.lock()
	defer n.unlock()
	n.closed = true
	n.transit.stop()
}

// Partition cuts both directions between two hosts; what is in flight between
// them is lost.
func (n *Network) Partition(a, b *Host) {
	n.lock()
	defer n.unlock()
	n.cuts[direction{a, b}], n.cuts[direction{b, a}] = true, true
}

// Heal ends a partition.
func (n *Network) Heal(a, b *Host) {
	n.lock()
	defer n.unlock()
	delete(n.cuts, direction{a, b})
	delete(n.cuts, direction{b, a})
}
