package udp

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
