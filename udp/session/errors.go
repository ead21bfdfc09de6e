package session

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"example.com/dgram/udp"
)

// ending returns what calls answer after the end.
func (c *Session) ending() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return endError(c.why)
}

// sendError returns why the session cannot send. A drained session can: the last
// questions are answered.
func (c *Session) sendError() error {
	if !c.over.Load() {
		return nil
	}
	if err := c.ending(); err != udp.ErrDrained {
		return err
	}
	select {
	case <-c.mux.ended:
		return c.mux.ending()
	default:
		return nil
	}
}

// endError is what a call answers after an end: net.ErrClosed and the cause.
func endError(cause error) error {
	switch {
	case cause == nil:
		return net.ErrClosed
	case errors.Is(cause, net.ErrClosed):
		return cause
	}
	return fmt.Errorf("%w: %w", net.ErrClosed, cause)
}

func (c *Session) localAddr() netip.AddrPort {
	local := c.mux.socket.LocalAddr()
	if a := c.Local(); a.IsValid() {
		local = netip.AddrPortFrom(a, local.Port())
	}
	return local
}

// opError puts err into the shape of net's errors.
func (c *Session) opError(op string, err error) error {
	e := &net.OpError{Op: op, Net: c.mux.socket.Network(), Addr: net.UDPAddrFromAddrPort(c.peer), Err: err}
	if local := c.localAddr(); local.IsValid() {
		e.Source = net.UDPAddrFromAddrPort(local)
	}
	return e
}
