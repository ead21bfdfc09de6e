package udptest

import (
	"errors"
	"fmt"
	"time"

	"example.com/dgram/udp/udptest/internal/sim"
)

// A LinkOption says how a link differs from a perfect one.
type LinkOption func(*linkConfig)

type linkConfig struct {
	sim.Link
	errs []error
}

func (c *linkConfig) fail(format string, args ...any) {
	c.errs = append(c.errs, fmt.Errorf(format, args...))
}

func (c *linkConfig) probability(option string, p float64) float64 {
	if !(p >= 0 && p <= 1) {
		c.fail("%s: probability %v is not between 0 and 1", option, p)
	}
	return p
}

func (c *linkConfig) duration(option string, d time.Duration) time.Duration {
	if d < 0 {
		c.fail("%s: negative duration %v", option, d)
	}
	return d
}

// Link describes both directions between two hosts from now on. What no option
// says is perfect; a second call replaces what the first one said.
//
// Each datagram's fate is a function of the network's seed, the two hosts, the
// datagram's flow (its two addresses with ports) and its number in the flow. It
// does not depend on other flows, but for Rate, which flows share.
func (n *Network) Link(a, b *Host, opts ...LinkOption) {
	n.t.Helper()
	l := n.link("Link", a, b, opts)
	n.net.SetLink(a.host, b.host, l)
	n.net.SetLink(b.host, a.host, l)
}

// LinkOneWay is Link for what from sends to to.
func (n *Network) LinkOneWay(from, to *Host, opts ...LinkOption) {
	n.t.Helper()
	n.net.SetLink(from.host, to.host, n.link("LinkOneWay", from, to, opts))
}

func (n *Network) link(call string, a, b *Host, opts []LinkOption) sim.Link {
	n.t.Helper()
	n.pair(call, a, b)
	var c linkConfig
	for _, o := range opts {
		if o == nil {
			n.t.Fatalf("udptest: %s: nil option", call)
		}
		o(&c)
	}
	if err := errors.Join(c.errs...); err != nil {
		n.t.Fatalf("udptest: %s: %v", call, err)
	}
	return c.Link
}

// Latency is the time that a datagram takes.
func Latency(d time.Duration) LinkOption {
	return func(c *linkConfig) { c.Latency = c.duration("Latency", d) }
}

// Jitter adds a time between 0 and d, drawn for each datagram. A flow keeps its
// order: a datagram waits for the one before it. [Reorder] changes the order.
func Jitter(d time.Duration) LinkOption {
	return func(c *linkConfig) { c.Jitter = c.duration("Jitter", d) }
}

// Loss loses each datagram with probability p. A datagram that is longer than
// the link's [MTU] is lost with any of its fragments.
func Loss(p float64) LinkOption {
	return func(c *linkConfig) { c.Loss = c.probability("Loss", p) }
}

// Burst loses length datagrams of a flow in a row. Each datagram that is not in
// such a run begins one with probability p.
func Burst(p float64, length int) LinkOption {
	return func(c *linkConfig) {
		c.BurstLoss, c.Burst = c.probability("Burst", p), length
		if length < 1 {
			c.fail("Burst: length %d is less than 1", length)
		}
	}
}

// Duplicate delivers each datagram twice with probability p. The second one has
// a jitter of its own.
func Duplicate(p float64) LinkOption {
	return func(c *linkConfig) { c.Duplicate = c.probability("Duplicate", p) }
}

// Reorder makes each datagram take d longer with probability p, so that those
// behind it overtake it.
func Reorder(p float64, d time.Duration) LinkOption {
	return func(c *linkConfig) {
		c.Reorder, c.ReorderBy = c.probability("Reorder", p), c.duration("Reorder", d)
	}
}

// Corrupt changes one bit of a datagram's payload with probability p. UDP's
// checksum would mostly have dropped such a datagram; here it arrives.
func Corrupt(p float64) LinkOption {
	return func(c *linkConfig) { c.Corrupt = c.probability("Corrupt", p) }
}

// Rate lets so many bytes of payload pass in a second. Up to queueBytes wait;
// what does not fit is lost. A datagram that finds nothing before it always
// fits. One that knows ECN and finds the queue more than half full is marked
// (congestion experienced).
//
// The queue is that of the sender's device, as with tc-tbf(8): what waits in it
// takes room in the socket's send buffer (udp.WithWriteBuffer), and a send waits
// when that is full. With udp.WithICMPErrors a full queue is the send's ENOBUFS, as
// on Linux: the socket waits and sends again, and the datagram counts as sent once
// the queue has taken it.
func Rate(bytesPerSecond, queueBytes int) LinkOption {
	return func(c *linkConfig) {
		c.Rate, c.Queue = bytesPerSecond, queueBytes
		if bytesPerSecond < 1 {
			c.fail("Rate: %d bytes per second is less than 1", bytesPerSecond)
		}
		if queueBytes < 0 {
			c.fail("Rate: negative queue %d", queueBytes)
		}
	}
}

// MTU is the longest IP packet that crosses the link whole, 68 to 65535 bytes:
// 28 more than the payload for IPv4, 48 for IPv6. What is longer crosses in
// fragments, or is syscall.EMSGSIZE with udp.WithDontFragment.
func MTU(bytes int) LinkOption {
	return func(c *linkConfig) {
		if c.MTU = bytes; bytes < 68 || bytes > 65535 {
			c.fail("MTU: %d is not between 68 and 65535", bytes)
		}
	}
}

// Lifetime loses what would be in the link and its queue for longer than d.
func Lifetime(d time.Duration) LinkOption {
	return func(c *linkConfig) {
		if c.Lifetime = d; d <= 0 {
			c.fail("Lifetime: %v is not positive", d)
		}
	}
}

// Outage takes the link down: start after the call of Link, for length, and
// again each time that every has passed, unless every is 0. It may be given
// several times.
func Outage(start, length, every time.Duration) LinkOption {
	return func(c *linkConfig) {
		c.Outages = append(c.Outages, sim.Outage{
			Start:  c.duration("Outage", start),
			Length: c.duration("Outage", length),
			Every:  c.duration("Outage", every),
		})
	}
}
