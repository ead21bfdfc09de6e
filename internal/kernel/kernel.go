// Package kernel is the contract between package udp and the operating system.
// It makes no system calls.
//
// A [System] opens sockets; a [Conn] is one of them. Package linux implements
// the contract with recvmmsg, sendmmsg, UDP_GRO, UDP_SEGMENT and control
// messages both ways. Package portable implements it for every system with
// package net and golang.org/x/net. Package kerneltest is the test suite that
// every implementation passes. Package internal/host chooses the implementation.
//
// # What every platform must keep
//
//   - Receiving never waits while it holds scratch memory, and an idle Conn
//     owns none.
//   - A Packet carries one datagram, or a burst that the kernel coalesced:
//     then Segment is the size of each datagram in it but the last, which may
//     be shorter. A burst is never truncated.
//   - IPv4 is IPv4: an IPv4-mapped address never leaves this package, and may
//     enter it only as plain IPv4. Zones leave as interface names (else
//     numbers) and may enter as either; an unknown one is an error that is
//     syscall.ENODEV.
//   - SendTo, Send and SendBatch never wait: a full buffer is syscall.EAGAIN.
//     SendWait waits for room, and for nothing else.
//   - A socket hears only the multicast groups that it joined, may not send to
//     broadcast addresses unless asked, and, bound to a group, hears only that.
//   - Close wakes whoever waits; from then on every call is net.ErrClosed.
//   - Errors are syscall.Errno inside os.SyscallError, or wrap
//     errors.ErrUnsupported; package udp adds the addresses.
package kernel

import (
	"net/netip"
	"os"
	"syscall"
	"time"

	"golang.org/x/net/ipv4"

	"example.com/dgram/internal/posix"
	"example.com/dgram/internal/slab"
)

// A System makes sockets. Package internal/host has the one that this program
// runs on; tests bring their own.
type System interface {
	// Open makes a socket, sets its options and binds it; with a Remote it
	// connects it too. When it fails nothing is left open.
	Open(c Config) (Conn, error)
	// Adopt makes a Conn of a duplicate of f's descriptor, which stays the
	// caller's. The Config's addresses and network are ignored; the one
	// returned says what the descriptor is: its network, its local address and,
	// for a connected one, its peer. A descriptor that is not a UDP socket is
	// [ErrNotUDP].
	Adopt(f *os.File, c Config) (Conn, Config, error)
	// IPv6 reports whether the machine has a usable IPv6 stack.
	IPv6() bool
}

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

// A Packet is one received datagram, or one burst of datagrams that the kernel
// coalesced.
type Packet struct {
	Data          []byte         // valid until Deliver returns, unless taken with Batch.Take
	Segment       int            // size of each datagram in Data when it is a burst, else 0
	From          netip.AddrPort // the sender
	To            netip.Addr     // the address it was sent to, where known
	Interface     int            // index of the interface it came in on, 0 where unknown
	Time          time.Time      // the kernel's receive time, zero where unknown
	TOS           uint8          // IPv4 TOS or IPv6 traffic class, with ReceiveTOS
	TTL           uint8          // hop limit it arrived with, with ReceiveTTL
	NonUnicastDst bool           // To is a group's or a broadcast address
	Truncated     bool           // the kernel cut it off
}

// A Batch has the packets of one receive call.
type Batch struct {
	Packets []Packet
	Slab    *slab.Writer // where to copy payload to; shared by all sockets, so only until Deliver returns

	blocks []*slab.Block // the memory behind Packets[i].Data
}

// NewBatch returns a batch. The Data of packets[i] lies in blocks[i].
func NewBatch(packets []Packet, blocks []*slab.Block, copies *slab.Writer) Batch {
	return Batch{Packets: packets, Slab: copies, blocks: blocks}
}

// Take gives the memory behind Packets[i].Data away, so that no copy is needed:
// the block, and the first of the tags of its n messages.
func (b *Batch) Take(i, n int) (*slab.Block, uint32) {
	block := b.blocks[i]
	b.Packets[i].Data, b.blocks[i] = nil, nil
	return block, slab.Share(block, n)
}

// Took reports whether Take was called for packet i.
func (b *Batch) Took(i int) bool { return b.blocks[i] == nil }

// A Sink takes what a Conn receives. Its methods are called one at a time, on
// the goroutine that called Receive.
type Sink interface {
	// Room returns how many packets the next call may bring, at least 1.
	Room() int
	// Deliver takes a batch. It must not wait.
	Deliver(b *Batch)
	// Pending reports whether delivered packets still wait to be handed over. If
	// so, Receive calls Wait before it reads again.
	Pending() bool
	// Wait waits until Deliver may be called again. False ends Receive.
	Wait() bool
	// Receive calls Idle before it waits for a datagram: until then, a sink may
	// hold delivered packets back. Idle reports whether Receive has to call Wait.
	// It must not wait itself.
	Idle() bool
}

// A Datagram is one datagram to send: to To, or to the peer of a connected socket
// if To is zero. Its payload is Data followed by the parts in More.
type Datagram struct {
	Data      []byte
	More      [][]byte
	To        netip.AddrPort
	From      netip.Addr // source address, zero for the system's choice
	Interface int        // index of the outgoing interface, 0 for the system's choice; a negative one is syscall.EINVAL
	TOS       uint8      // type of service or traffic class, 0 for the socket's
	TTL       uint8      // hop limit, of group datagrams too; 0 for the socket's
	AnySource bool       // the caller sends it again without From if the system refuses From
}

// Len is the size of the payload in bytes.
func (d *Datagram) Len() int {
	n := len(d.Data)
	for _, p := range d.More {
		n += len(p)
	}
	return n
}

// A Refusal is an error about a datagram that was sent earlier.
type Refusal struct {
	To    netip.AddrPort // where it was sent, zero where the system does not say
	Errno posix.Errno
}

// Calls counts system calls.
type Calls struct{ Read, Write uint64 }

// A Conn is one UDP socket. Receive, TryReceive, ReadMsg and ReadMsgs are for
// one caller at a time; everything else may be called from any goroutine.
type Conn interface {
	// Receive reads until the Sink has enough (nil), the read deadline passes
	// (os.ErrDeadlineExceeded), the socket closes (net.ErrClosed), the kernel
	// reports an error of the call (an errno), or errors of earlier datagrams are
	// pending (ErrPending). It delivers queued datagrams before it reports pending
	// errors. With once it returns after the first batch. After any error but
	// net.ErrClosed it may be called again.
	Receive(s Sink, once bool) error
	// TryReceive delivers one batch of queued datagrams. It never waits, and
	// ignores the read deadline. If the queue is empty it returns nil and delivers
	// nothing. It calls no methods of the Sink but Room and Deliver, so the Sink
	// must accept every packet.
	TryReceive(s Sink) error
	// Queued reports whether a read would find a datagram now. It removes neither a
	// datagram nor a pending error.
	Queued() bool
	// ReadMsg reads one datagram into b and its control messages into oob, as
	// net.UDPConn.ReadMsgUDPAddrPort does. It sets From in p and, where known, To,
	// Interface and NonUnicastDst, whatever room oob has.
	ReadMsg(b, oob []byte, p *Packet) (n, oobn, flags int, err error)
	// ReadMsgs reads at least one datagram into ms, as ipv4.PacketConn.ReadBatch does.
	ReadMsgs(ms []ipv4.Message, flags int) (int, error)
	// SetReadDeadline sets when reads that wait end. With the zero time they have
	// no deadline.
	SetReadDeadline(t time.Time) error

	// SendTo sends b to an address, or to the peer if to is zero, without waiting.
	// It is the fast path of Send.
	SendTo(b []byte, to netip.AddrPort) error
	// Send sends a Datagram without waiting, with the control messages in oob.
	Send(d *Datagram, oob []byte) error
	// SendBatch sends the batch in order, without waiting, and returns how many
	// datagrams the kernel accepted. The error is that of ds[n], or ErrPending,
	// which is about none of them.
	SendBatch(ds []Datagram) (n int, err error)
	// SendWait waits until the kernel has accepted d, stop is closed ([ErrStopped])
	// or the socket closes (net.ErrClosed). It is for one caller at a time.
	SendWait(d *Datagram, oob []byte, stop <-chan struct{}) error

	// Datagrams returns how many datagrams the system makes of one send of n bytes
	// with the control messages in oob: more than one with UDP_SEGMENT (udp(7)).
	Datagrams(n int, oob []byte) int

	// Connect sets the peer. Disconnect removes it; the socket keeps the address
	// local.
	Connect(peer netip.AddrPort) error
	Disconnect(local netip.AddrPort) error
	LocalAddr() (netip.AddrPort, error)
	RemoteAddr() (netip.AddrPort, error)

	// Index returns the index of the interface that a zone names, by name or
	// number.
	Index(zone string) (int, error)

	SetOption(o Option, value int) error
	Option(o Option) (int, error)
	// SetOffload sets whether the kernel coalesces what it receives (UDP_GRO).
	SetOffload(on bool) error
	// Strangers returns how many datagrams reads have dropped because they were not
	// from the peer: they were queued when the socket was connected.
	Strangers() uint64
	// Drops returns how many datagrams the kernel dropped because the receive
	// buffer was full.
	Drops() uint64
	Calls() Calls
	// NextRefusal removes and returns one error of an earlier datagram: from the
	// error queue (Config.ICMPErrors), or the pending error of the socket
	// (SO_ERROR). It returns false if there is none.
	NextRefusal() (Refusal, bool)
	// Drain makes the kernel reject later datagrams, and wakes reads that wait.
	// From then on Receive, TryReceive, ReadMsg and ReadMsgs read queued datagrams,
	// never wait, and return [ErrDrained] when the queue is empty; read deadlines
	// have no effect. Sends are not affected. A second call does nothing.
	//
	// If the system cannot reject datagrams, reads return at most as many as were
	// queued when Drain was called. On a shared descriptor they return none. Drops
	// no longer changes.
	Drain() error
	// Discard reads and drops the datagrams in the receive buffer, for a socket
	// that is about to close, and returns how many there were. It does not read
	// from a shared descriptor.
	Discard() (datagrams uint64)

	// Dup returns a duplicate of the descriptor. From then on the descriptor is
	// shared.
	Dup() (*os.File, error)
	// SyscallConn gives access to the descriptor. Once it has been used, the
	// descriptor counts as shared, because its user may have made a duplicate.
	SyscallConn() syscall.RawConn
	// Borrow is SyscallConn for code that keeps no duplicate.
	Borrow() syscall.RawConn
	Close() error
}

// A DeviceBinder is a Conn that can be bound to another device (Config.Interface)
// later.
type DeviceBinder interface {
	BindToDevice(name string) error
}

// A Keeper is a Conn that may replace its kernel socket. What was done to the
// socket, and the kernel cannot be asked for, is done to the next one again.
type Keeper interface {
	Keep(key any, call func(syscall.RawConn) error)
	Forget(match func(key any) bool)
}

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
