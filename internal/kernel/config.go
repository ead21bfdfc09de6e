package kernel

import (
	"net/netip"
	"syscall"
)

// A Config has the settings with which a socket is made.
type Config struct {
	Network string         // "udp4" or "udp6"
	Local   netip.AddrPort // where to bind; a zero Addr is every interface
	Remote  netip.AddrPort // the peer to connect to, if valid
	Address string         // Local or Remote as the user wrote it, for Control

	IPv6Only     bool // IPV6_V6ONLY; otherwise "udp6" is dual-stack
	ReuseAddr    bool
	ReusePort    bool
	Broadcast    bool
	ReadBuffer   int // bytes, 0 for the system's default
	WriteBuffer  int
	TTL          int // unicast hops of what is sent, 0 for the system's default
	TOS          int // type of service or traffic class of what is sent
	ReceiveTTL   bool
	ReceiveTOS   bool
	Timestamps   bool
	PacketInfo   Want   // destination and interface of each datagram
	Interface    string // the one device to use
	DontFragment bool
	ICMPErrors   bool // the error queue: [Conn.NextRefusal]

	// Control runs after the socket was made and before it is bound.
	Control func(network, address string, c syscall.RawConn) error
}

// A Want is how a socket asks for an option that a system may lack.
type Want int

// Off leaves the option alone; Try turns it on where the system has it; On
// fails where the system does not.
const (
	Off Want = iota
	Try
	On
)

// An Option is an integer property of a socket.
type Option int

// The options, with the socket options behind them on Linux.
const (
	Broadcast   Option = iota // SO_BROADCAST
	TTL                       // IP_TTL, IPV6_UNICAST_HOPS
	TOS                       // IP_TOS, IPV6_TCLASS
	ReadBuffer                // SO_RCVBUF, in the caller's bytes
	WriteBuffer               // SO_SNDBUF, in the caller's bytes
)
