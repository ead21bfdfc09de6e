package udp

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"example.com/dgram/internal/host"
	"example.com/dgram/internal/kernel"
)

// config is what the options set.
type config struct {
	*building // nil once the socket is made

	kernel        kernel.Config
	lookup        func(ctx context.Context, network, host string) ([]netip.Addr, error) // nil for net's
	lookupCache   time.Duration                                                         // 0 for none
	receiveBlock  BlockList
	sendBlock     BlockList
	messageBuffer int32
	errorBuffer   int32
	sendQueue     int32
	sendHeld      int32 // the most datagrams that the writer holds
	maxDatagram   int32
	readers       int32
	overflow      uint8    // an Overflow
	packetInfo    tristate // by default, on where it is needed
	offload       tristate // by default, on where it is safe
}

// tristate is an option that the user may leave to the package.
type tristate uint8

const (
	unset tristate = iota
	on
	off
)

func tristateOf(yes bool) tristate {
	if yes {
		return on
	}
	return off
}

// building holds state that New needs and the socket does not.
type building struct {
	err      error // the first bad value
	contexts []context.Context
	system   kernel.System // the host's, but for tests
}

const (
	// The default message buffer is the largest that fits, with the channel's
	// header, into 6 KiB. It is most of what an idle socket owns; a receiver that
	// works a few microseconds for each datagram needs the depth.
	defaultMessageBuffer = 47
	defaultErrorBuffer   = 16
	defaultSendQueue     = 64
	defaultMaxDatagram   = 65535

	maxQueue   = 1 << 20 // in datagrams: beyond, it is a mistake
	maxBuffer  = 1 << 30 // in bytes: the kernel doubles it in an int
	maxReaders = 1024
)

func newConfig(opts []Option) config {
	c := config{
		building:      &building{system: host.System{}},
		messageBuffer: defaultMessageBuffer,
		errorBuffer:   defaultErrorBuffer,
		sendQueue:     defaultSendQueue,
		sendHeld:      maxBatch,
		maxDatagram:   defaultMaxDatagram,
		readers:       1,
	}
	for _, o := range opts {
		if o == nil {
			c.fail(invalid("nil option"))
			continue
		}
		o(&c)
	}
	return c
}

// fail keeps the first bad value.
func (c *config) fail(err error) {
	if c.err == nil {
		c.err = err
	}
}

// inRange checks that low <= n <= high.
func (c *config) inRange(name string, n, low, high int) bool {
	if n < low || n > high {
		c.fail(invalid(fmt.Sprintf("%s %d is not between %d and %d", name, n, low, high)))
		return false
	}
	return true
}
