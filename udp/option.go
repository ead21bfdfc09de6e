package udp

import (
	"context"
	"fmt"
	"net/netip"
	"syscall"
	"time"

	"example.com/dgram/internal/host"
	"example.com/dgram/internal/kernel"
)

// An Option configures a socket. An invalid value is the error of [New], and so of
// [Listen] and [Dial].
type Option func(*config)

// Overflow is what happens to datagrams when the receiver is slow and the message
// channel is full.
type Overflow int

const (
	// OverflowBlock stops reading: datagrams wait in the kernel's buffer, and once that
	// is full the kernel drops new ones (Stats.DroppedKernel).
	OverflowBlock Overflow = iota
	// OverflowDropNewest drops what arrives (Stats.DroppedOverflow).
	OverflowDropNewest
	// OverflowDropOldest drops what has waited longest (Stats.DroppedOverflow).
	OverflowDropOldest
)

// String returns "block", "drop newest" or "drop oldest".
func (o Overflow) String() string {
	switch o {
	case OverflowBlock:
		return "block"
	case OverflowDropNewest:
		return "drop newest"
	case OverflowDropOldest:
		return "drop oldest"
	}
	return fmt.Sprintf("overflow %d", int(o))
}

// A BlockList is a set of addresses. [netip.Prefix] is one. The socket calls Contains for
// each datagram, in the goroutine that reads or sends: it has to be quick, safe for
// concurrent use, and must not call methods of the socket. It gets IPv4 addresses as
// IPv4, and addresses without zones. The set may change while the socket is open.
type BlockList interface {
	Contains(netip.Addr) bool
}

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

// WithContext closes the socket when ctx is done; [Socket.Err] is then
// ctx's cause. It may be given several times: the first to be done counts. It is
// Node's AbortSignal.
func WithContext(ctx context.Context) Option {
	return func(c *config) {
		if ctx == nil {
			c.fail(errNilContext)
			return
		}
		c.contexts = append(c.contexts, ctx)
	}
}

// WithReuseAddr sets SO_REUSEADDR. For multicast, every socket on the port gets
// a copy. For unicast on Linux it lets any later socket, even another user's,
// take the traffic: prefer [WithReusePort].
func WithReuseAddr() Option { return func(c *config) { c.kernel.ReuseAddr = true } }

// WithReusePort lets several sockets of one user share the port, and the
// kernel balances between them (SO_REUSEPORT on Linux, SO_REUSEPORT_LB on
// FreeBSD). All of them have to ask for it. When one closes, the datagrams that
// wait in its buffer do not move to the others: its Stats.DroppedClosed counts
// them. Where the system does not balance, Bind is errors.ErrUnsupported.
func WithReusePort() Option { return func(c *config) { c.kernel.ReusePort = true } }

// WithIPv6Only keeps IPv4 out of a "udp6" socket, so that a "udp4" socket can
// have the same port. For a "udp4" socket it is New's error.
func WithIPv6Only() Option { return func(c *config) { c.kernel.IPv6Only = true } }

// WithBroadcast allows sending to broadcast addresses, which fails with
// syscall.EACCES otherwise. (Package net allows it on every socket.)
func WithBroadcast() Option { return func(c *config) { c.kernel.Broadcast = true } }

// WithReadBuffer sets the size of the kernel's receive buffer in bytes
// (SO_RCVBUF). Linux silently grants no more than the sysctl
// net.core.rmem_max: see [Socket.ReadBuffer].
func WithReadBuffer(bytes int) Option {
	return func(c *config) {
		if c.inRange("read buffer", bytes, 1, maxBuffer) {
			c.kernel.ReadBuffer = bytes
		}
	}
}

// WithWriteBuffer sets the size of the kernel's send buffer in bytes
// (SO_SNDBUF). Linux silently grants no more than net.core.wmem_max.
func WithWriteBuffer(bytes int) Option {
	return func(c *config) {
		if c.inRange("write buffer", bytes, 1, maxBuffer) {
			c.kernel.WriteBuffer = bytes
		}
	}
}

// WithLookup resolves host names with f instead of [net.DefaultResolver];
// (*net.Resolver).LookupNetIP fits. The network is "ip4", "ip6", or "ip" for a
// dual-stack socket. Literal addresses never reach f. f should heed ctx, which
// is done when the socket closes.
func WithLookup(f func(ctx context.Context, network, host string) ([]netip.Addr, error)) Option {
	return func(c *config) {
		if f == nil {
			c.fail(invalid("nil lookup"))
			return
		}
		c.lookup = f
	}
}

// WithLookupCache lets [Socket.SendToHost] use the answer for a name for as long as d.
// After that the last answer is used while the name is looked up again in the
// background; a lookup that fails keeps the last answer, and is made again after d. The
// first failure is not cached. At most 1024 names are. Lookups run until the socket
// ends, also when the context of the call that started one ends earlier.
func WithLookupCache(d time.Duration) Option {
	return func(c *config) {
		if d <= 0 {
			c.fail(invalid(fmt.Sprintf("lookup cache of %v is not positive", d)))
			return
		}
		c.lookupCache = d
	}
}

// WithReceiveBlockList drops datagrams from the addresses in list
// (Stats.DroppedBlocked).
func WithReceiveBlockList(list BlockList) Option {
	return func(c *config) {
		if list == nil {
			c.fail(invalid("nil block list"))
			return
		}
		c.receiveBlock = list
	}
}

// WithSendBlockList refuses to send or connect to the addresses in list, with
// [ErrBlocked]. A connected socket asked when it connected and does not ask again.
func WithSendBlockList(list BlockList) Option {
	return func(c *config) {
		if list == nil {
			c.fail(invalid("nil block list"))
			return
		}
		c.sendBlock = list
	}
}

// WithMessageBuffer sets the capacity of [Socket.Messages], 47 by default: 6 KiB,
// at 128 bytes a message, from when Messages is first called. Zero is an
// unbuffered channel. A receiver that works some microseconds for each datagram
// is kept busy by a larger one.
func WithMessageBuffer(n int) Option {
	return func(c *config) {
		if c.inRange("message buffer", n, 0, maxQueue) {
			c.messageBuffer = int32(n)
		}
	}
}

// WithErrorBuffer sets the capacity of [Socket.Errors], 16 by default.
func WithErrorBuffer(n int) Option {
	return func(c *config) {
		if c.inRange("error buffer", n, 0, maxQueue) {
			c.errorBuffer = int32(n)
		}
	}
}

// WithSendQueue sets the capacity of [Socket.Outbox], and as many datagrams, at least
// one, may be with its writer while the kernel has no room. By default they are 64 and
// 256.
func WithSendQueue(n int) Option {
	return func(c *config) {
		if c.inRange("send queue", n, 0, maxQueue) {
			c.sendQueue, c.sendHeld = int32(n), int32(max(n, 1))
		}
	}
}

// WithOverflow says what happens to datagrams when the receiver is slow; the
// default is [OverflowBlock].
func WithOverflow(o Overflow) Option {
	return func(c *config) {
		if c.inRange("overflow", int(o), int(OverflowBlock), int(OverflowDropOldest)) {
			c.overflow = uint8(o)
		}
	}
}

// WithMaxDatagram cuts off what is longer than so many bytes, 1 to 65535
// (Message.Truncated, Stats.Truncated). By default nothing is. It limits what a
// reader has to expect, not the memory that receiving takes.
func WithMaxDatagram(bytes int) Option {
	return func(c *config) {
		if c.inRange("max datagram", bytes, 1, defaultMaxDatagram) {
			c.maxDatagram = int32(bytes)
		}
	}
}

// WithReaders opens n kernel sockets that share the port (SO_REUSEPORT), each
// with a reader goroutine of its own; all feed [Socket.Messages]. The kernel
// spreads senders over them, so that one sender's datagrams keep their order.
// Sends, File, SyscallConn, Join and Connect use the first: once it is connected,
// the others still receive from every sender. All and the view of PacketConn cannot read
// such a socket: errors.ErrUnsupported. Where the system does not balance, Bind
// is errors.ErrUnsupported.
func WithReaders(n int) Option {
	return func(c *config) {
		if c.inRange("readers", n, 1, maxReaders) {
			c.readers = int32(n)
		}
	}
}

// WithTTL sets the hop limit of unicast datagrams, as [Socket.SetTTL] does.
func WithTTL(hops int) Option {
	return func(c *config) {
		if c.inRange("TTL", hops, 1, 255) {
			c.kernel.TTL = hops
		}
	}
}

// WithTOS sets the type of service (IPv6: traffic class) of what is sent, 0 to
// 255: DSCP<<2 | ECN. [Socket.SetTOS] changes it later.
func WithTOS(tos int) Option {
	return func(c *config) {
		if c.inRange("TOS", tos, 0, 255) {
			c.kernel.TOS = tos
		}
	}
}

// WithReceiveTOS fills [Message.TOS]. Where the system does not report the type
// of service, Bind is errors.ErrUnsupported.
func WithReceiveTOS() Option { return func(c *config) { c.kernel.ReceiveTOS = true } }

// WithReceiveTTL fills [Message.TTL]. Where the system does not report the hop
// limit, Bind is errors.ErrUnsupported.
func WithReceiveTTL() Option { return func(c *config) { c.kernel.ReceiveTTL = true } }

// WithTimestamps fills [Message.Time] with the time at which the kernel
// received the datagram (SO_TIMESTAMPNS). Linux turns its clock on when the
// first socket of the host asks for it: a datagram that arrives just then has
// the time at which it was read. Elsewhere than on Linux Bind is
// errors.ErrUnsupported.
func WithTimestamps() Option { return func(c *config) { c.kernel.Timestamps = true } }

// WithPacketInfo turns the filling of Message.To and Message.Interface on or
// off. By default it is on for sockets that are bound to every address, which
// need it to reply from the right one, and a socket that is bound to one address
// has that one in Message.To. Where the system does not tell, Bind with
// WithPacketInfo(true) is errors.ErrUnsupported.
func WithPacketInfo(on bool) Option { return func(c *config) { c.packetInfo = tristateOf(on) } }

// WithInterface binds the socket to one network device (SO_BINDTODEVICE):
// it receives and sends through no other. Where the system cannot, Bind is
// errors.ErrUnsupported.
//
// The socket holds the name. When the device is deleted, that is reported on
// [Socket.Errors] (syscall.ENODEV); when a device of that name is there again, the
// socket is bound to it, which takes CAP_NET_RAW on Linux, or an error says that it
// was not. The same holds for the zone of an address in Bind.
func WithInterface(name string) Option {
	return func(c *config) {
		if name == "" {
			c.fail(invalid("empty interface name"))
			return
		}
		c.kernel.Interface = name
	}
}

// WithOffload turns receive offload (UDP_GRO) on or off. With it the kernel
// hands over a burst of datagrams from one sender at a time, which costs less
// for each. It changes nothing that a reader sees, except that DroppedKernel is
// then a lower bound: Linux counts a burst that it drops as one. By default it
// is on where the system has it, and off for a descriptor that another process
// may read. A system without it ignores the option.
func WithOffload(on bool) Option { return func(c *config) { c.offload = tristateOf(on) } }

// WithDontFragment forbids fragmentation (IP_MTU_DISCOVER): a datagram that
// does not fit the path is syscall.EMSGSIZE. The first that is too long for a
// router further on is lost; the router's answer teaches the kernel. Where the
// system cannot, Bind is errors.ErrUnsupported.
func WithDontFragment() Option { return func(c *config) { c.kernel.DontFragment = true } }

// WithICMPErrors reports on [Socket.Errors] what ICMP says about datagrams that
// were sent earlier, with their destination, for unconnected sockets too
// (IP_RECVERR, ip(7)). Anyone who can send to this host can forge such a report:
// it is a hint. It ends no socket and fails no send.
//
// It is off by default, because the kernel fails the next send with it, whoever
// that is for, and the send has to be made again; and because the kernel charges
// reports to the receive buffer until they are read. When they take half of it,
// the socket hears no more of them for a moment, so that datagrams have room.
//
// Elsewhere than on Linux Bind is errors.ErrUnsupported.
func WithICMPErrors() Option { return func(c *config) { c.kernel.ICMPErrors = true } }

// WithControl calls f with each kernel socket after it was made and before it
// is bound, as [net.ListenConfig] does: for options that this package lacks, or
// to refuse. The network is "udp4" or "udp6", the address as Bind or Connect was
// given it. An error of f is Bind's.
func WithControl(f func(network, address string, c syscall.RawConn) error) Option {
	return func(c *config) {
		if f == nil {
			c.fail(invalid("nil control"))
			return
		}
		c.kernel.Control = f
	}
}
