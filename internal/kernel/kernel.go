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
//   - Addresses are never IPv4-mapped, neither in results nor in arguments. Zones
//     in results are interface names, or numbers of deleted interfaces. Zones in
//     arguments are either; an unknown one is syscall.ENODEV.
//   - SendTo, Send and SendBatch never wait: a full buffer is syscall.EAGAIN.
//     SendWait waits for room alone.
//   - A socket receives from the multicast groups that it joined alone, and, bound
//     to a group, from that alone. It sends to broadcast addresses only with the
//     option.
//   - Close ends the calls that wait; from then on every call is net.ErrClosed.
//   - Errors are syscall.Errno inside os.SyscallError, or wrap
//     errors.ErrUnsupported; package udp adds the addresses.
package kernel

import (
	"net/netip"
	"os"
	"syscall"
	"time"

	"golang.org/x/net/ipv4"
)

// A System makes sockets. Package internal/host has that of the program; tests have
// others.
type System interface {
	// Open makes a socket, sets its options and binds it; with a Remote it
	// connects it too. When it fails nothing is left open.
	Open(c Config) (Conn, error)
	// Adopt makes a Conn of a duplicate of f's descriptor; f stays the caller's. It
	// ignores the network and the addresses of the Config. Those of the returned
	// Config are the network of the descriptor, its local address and, if it is
	// connected, its peer. If the descriptor is not a UDP socket the error is
	// [ErrNotUDP].
	Adopt(f *os.File, c Config) (Conn, Config, error)
	// IPv6 reports whether the machine has a usable IPv6 stack.
	IPv6() bool
}

// A Sink accepts the packets that a Conn receives. Its methods are called one at a
// time, on the goroutine that called Receive.
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

// A Keeper is a Conn that may replace its kernel socket. It repeats the kept calls on
// the new socket, because the kernel does not report their effect.
type Keeper interface {
	Keep(key any, call func(syscall.RawConn) error)
	Forget(match func(key any) bool)
}
