package udp

import (
	"errors"
	"net"
	"net/netip"
	"os"

	"example.com/dgram/internal/posix"
)

// The view's errors have the shape of package net's: the network as the socket
// was asked for it, the peer as Addr, and net's names of the system calls.

// opError wraps err for an operation on the view. The call is net's name of the
// system call. Without a destination the address is the peer.
func (v *PacketConn) opError(op, call string, to netip.AddrPort, err error) error {
	if err == nil {
		return nil
	}
	if shaped, ok := errors.AsType[*net.OpError](err); ok {
		err = shaped.Err
	}
	switch e := err.(type) {
	case *os.SyscallError:
		err = os.NewSyscallError(call, e.Err)
	case tooLong:
		err = os.NewSyscallError(call, e)
	}
	e := &net.OpError{Op: op, Net: v.s.cfg.kernel.Network, Err: err}
	ep := v.s.endpoint.Load()
	switch {
	case ep == nil:
	case op == "set":
		e.Addr = net.UDPAddrFromAddrPort(ep.local)
	default:
		e.Source = net.UDPAddrFromAddrPort(ep.local)
		if to = ep.target(to); to.IsValid() {
			e.Addr = net.UDPAddrFromAddrPort(to)
		}
	}
	return e
}

// errWriteToConnected is a destination given to a view that has a peer.
var errWriteToConnected error = writeToConnectedError{}

type writeToConnectedError struct{}

func (writeToConnectedError) Error() string { return net.ErrWriteToConnected.Error() }

func (writeToConnectedError) Is(target error) bool {
	return target == net.ErrWriteToConnected || target == ErrAlreadyConnected || target == posix.EISCONN
}

// unsupportedError is errors.ErrUnsupported with the reason.
type unsupportedError string

func (e unsupportedError) Error() string { return string(e) }

func (unsupportedError) Is(target error) bool { return target == errors.ErrUnsupported }

// What a receive block list rules out.
const (
	errRaw    = unsupportedError("raw access would go around the receive block list: use ReadBatch and WriteBatch")
	errShared = unsupportedError("a duplicate of the descriptor would go around the receive block list")
)
