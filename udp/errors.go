package udp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"example.com/dgram/internal/kernel"
	"example.com/dgram/internal/posix"
)

// The errors that a caller may act on. They come inside a [*net.OpError]: use
// [errors.Is]. Those that correspond to an errno match it too.
//
// Calls on a closed socket return [net.ErrClosed], together with the cause if the socket
// was not closed by Close. A bad network is [net.UnknownNetworkError], and an option that
// the system lacks [errors.ErrUnsupported]. An error of the kernel is a *net.OpError
// around an [*os.SyscallError] around the errno, so that
// errors.Is(err, syscall.EADDRINUSE) holds.
var (
	// ErrNotBound means that the socket has no address yet. It is syscall.EBADF.
	ErrNotBound error = &stateError{"socket is not bound", posix.EBADF}
	// ErrAlreadyBound means that the socket is bound: it cannot be bound again.
	ErrAlreadyBound error = &stateError{"socket is already bound", 0}
	// ErrNotConnected means that there is no peer. It is syscall.ENOTCONN.
	ErrNotConnected error = &stateError{"socket is not connected", posix.ENOTCONN}
	// ErrAlreadyConnected means that the socket has a peer, and sends to no other
	// address. It is syscall.EISCONN.
	ErrAlreadyConnected error = &stateError{"socket is already connected", posix.EISCONN}
	// ErrBadPort means a port outside 0..65535, or 0 where one is needed.
	ErrBadPort = errors.New("bad port")
	// ErrBlocked means that the send block list contains the destination.
	ErrBlocked = errors.New("address is blocked")
	// ErrAddressFamily means an IPv6 address on an IPv4 socket, an IPv4 address
	// on an IPv6-only one, or no address at all.
	ErrAddressFamily = errors.New("address family not supported by the socket")
	// ErrNotUDP means that a descriptor is not that of a UDP socket.
	ErrNotUDP = kernel.ErrNotUDP
	// ErrReading means that the stream of datagrams has another reader: the
	// first of Messages, All and the view of PacketConn has it.
	ErrReading = errors.New("socket is read in another way")
	// ErrDrained means that the socket was drained: it still sends, and it does not
	// receive. It is net.ErrClosed too.
	ErrDrained error = drainedError{}
)

type drainedError struct{}

func (drainedError) Error() string { return "socket is drained" }

func (drainedError) Is(target error) bool { return target == net.ErrClosed }

// stateError means that the socket is not in the state that a call needs.
type stateError struct {
	text  string
	errno posix.Errno
}

func (e *stateError) Error() string { return e.text }

func (e *stateError) Is(target error) bool { return e.errno != 0 && target == e.errno }

// A SendError is a datagram of the Outbox or of SendBatch that was not sent.
type SendError struct {
	Index int            // its index in the slice passed to SendBatch
	To    netip.AddrPort // where it was to go; the peer on a connected socket
	Bytes int            // its size
	Err   error          // why
}

func (e *SendError) Error() string {
	if !e.To.IsValid() {
		return fmt.Sprintf("datagram of %d bytes not sent: %v", e.Bytes, e.Err)
	}
	return fmt.Sprintf("datagram of %d bytes to %v not sent: %v", e.Bytes, e.To, e.Err)
}

// Unwrap returns Err.
func (e *SendError) Unwrap() error { return e.Err }

// An OverflowError reports datagrams that the policy of [WithOverflow] dropped because
// the receiver was slow. There is one when an episode of drops ends, and one a second
// while it lasts.
type OverflowError struct {
	Dropped uint64 // datagrams dropped since the last report
}

func (e *OverflowError) Error() string {
	return fmt.Sprintf("receiver is slow: %d datagrams dropped", e.Dropped)
}

// invalid is syscall.EINVAL with a text: a value out of range.
type invalid string

func (e invalid) Error() string { return string(e) }

func (e invalid) Is(target error) bool { return target == posix.EINVAL }

const errNilContext = invalid("nil context")

// endError returns the error of a call that the end of the socket stops: it is
// net.ErrClosed and, unless the socket was closed by Close, the cause.
func (s *Socket) endError() error {
	if cause := s.Err(); cause != nil {
		return &endedError{cause}
	}
	return net.ErrClosed
}

// closedError returns endError if the socket has begun to end, else err.
func (s *Socket) closedError(err error) error {
	if s.ending() {
		return s.endError()
	}
	return err
}

// contextError returns why ctx is done: its error and its cause, or nil if ctx goes on.
func contextError(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if errors.Is(cause, err) {
		return cause
	}
	return fmt.Errorf("%w: %w", err, cause)
}

// endedError is net.ErrClosed with the cause of the end.
type endedError struct{ cause error }

func (e *endedError) Error() string { return net.ErrClosed.Error() + ": " + e.cause.Error() }

func (e *endedError) Unwrap() []error { return []error{net.ErrClosed, e.cause} }

// opError puts err into the shape of net's errors. What has the shape already, and the
// error of a context, stays as it is. net.ErrClosed gets the cause of the end.
func (s *Socket) opError(op string, addr netip.AddrPort, err error) error {
	if err == nil || err == context.Canceled || err == context.DeadlineExceeded {
		return err
	}
	if err == net.ErrClosed {
		err = s.endError()
	}
	var shaped *net.OpError
	if _, ended := err.(*endedError); !ended && errors.As(err, &shaped) {
		return err
	}
	e := &net.OpError{Op: op, Net: s.cfg.kernel.Network, Err: err} // "udp" that has not settled is "udp"
	if ep := s.endpoint.Load(); ep != nil {
		e.Net = ep.network
		e.Source = net.UDPAddrFromAddrPort(ep.local)
	}
	if addr.IsValid() {
		e.Addr = net.UDPAddrFromAddrPort(addr)
	}
	return e
}

// opErrorText is opError for an address that could not be read.
func (s *Socket) opErrorText(op, address string, err error) error {
	e := s.opError(op, netip.AddrPort{}, err)
	if shaped, ok := e.(*net.OpError); ok && address != "" && shaped.Addr == nil {
		shaped.Addr = textAddr(address)
	}
	return e
}

// textAddr is an address as the user wrote it.
type textAddr string

func (textAddr) Network() string  { return "udp" }
func (a textAddr) String() string { return string(a) }
