package session

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"

	"example.com/dgram/udp"
)

// A Session is the conversation with one peer at one local address. Its methods
// may be called from any goroutine.
//
// The fields that every datagram needs come first: they are one line of the
// processor's cache.
type Session struct {
	local    netip.Addr   // set once, before fixed
	sibling  *Session     // of the same peer; of a session that was removed, itself
	last     atomic.Int64 // when a datagram passed, by Mux.now
	fixed    atomic.Bool  // local is set
	answered atomic.Bool  // something was sent to the peer

	stream // its mu guards life and conn

	mux    *Mux
	peer   netip.AddrPort
	device int32       // index of the interface, set with local
	over   atomic.Bool // the session has ended
	place  int32       // in the idle queue; Mux.mu guards it and the next
	ranked bool        // the idle queue is that of known peers
	life   *life       // nil before Context is called
	conn   *conn       // nil before Conn is called
}

// life is what a session needs once its context is asked for.
type life struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
}

// removed reports whether the session is in the table no more. The caller holds
// Mux.mu.
func (c *Session) removed() bool { return c.sibling == c }

// Messages returns the channel on which the datagrams of the peer arrive, those
// included that have waited for it. Every call returns the same channel. The mux
// closes it when the session ends; what was received before the end can still be
// received after it.
//
// The channel holds as many datagrams as [Queue] says. A session that is read by
// Receive or by its Conn has no channel: Messages then returns a closed one, and
// [udp.ErrReading] is on [Mux.Errors].
func (c *Session) Messages() <-chan udp.Message {
	messages, ok := c.channel()
	if !ok {
		c.mux.report(c.opError("read", udp.ErrReading))
	}
	return messages
}

// Receive returns the next datagram of the peer. It waits for one, for ctx or for
// the end of the session. What was received before the end comes first; then the
// error is [net.ErrClosed] and the cause.
//
// Several goroutines may call Receive, and Receive may be mixed with Read of the
// Conn. After Messages it is [udp.ErrReading].
func (c *Session) Receive(ctx context.Context) (udp.Message, error) {
	if ctx == nil {
		return udp.Message{}, c.opError("read", errNilContext)
	}
	for {
		if err := ctx.Err(); err != nil {
			return udp.Message{}, err
		}
		m, wait, err := c.next()
		if err != nil {
			return m, c.opError("read", err)
		}
		if wait == nil {
			return m, nil
		}
		select {
		case <-wait:
		case <-ctx.Done():
		}
	}
}

// Peer returns the address of the other side.
func (c *Session) Peer() netip.AddrPort { return c.peer }

// Local returns the address that the peer sent to, from which Send answers. It is
// the zero Addr where the system does not tell, and in a session of [Mux.Open]
// before the peer's first datagram.
func (c *Session) Local() netip.Addr {
	if c.knowsLocal() {
		return c.local
	}
	return netip.Addr{}
}

func (c *Session) knowsLocal() bool { return c.fixed.Load() }

// settle sets the local address. The mux calls it once, and holds its mu.
func (c *Session) settle(local netip.Addr, device int) {
	c.local, c.device = local, int32(device)
	c.fixed.Store(true)
}

// Context returns a context that is done when the session ends. [context.Cause]
// then says why: [ErrIdle], [ErrEvicted], [net.ErrClosed], or the error that
// ended the socket.
func (c *Session) Context() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.life == nil {
		c.life = new(life)
		c.life.ctx, c.life.cancel = context.WithCancelCause(context.Background())
		if c.over.Load() {
			c.life.cancel(c.why)
		}
	}
	return c.life.ctx
}

// Done returns a channel that is closed when the session ends.
func (c *Session) Done() <-chan struct{} { return c.Context().Done() }

// Close ends the session. What its stream holds can still be received. A datagram
// that the peer sends from then on opens another session. Close returns nil, and
// may be called at any time and from any goroutine.
func (c *Session) Close() error {
	c.mux.mu.Lock()
	defer c.mux.mu.Unlock()
	c.mux.end(c, net.ErrClosed)
	return nil
}

// Conn returns the session as a [net.Conn]. Every call returns the same one. Each
// Read takes one datagram and each Write sends one. A datagram that is longer
// than the buffer of Read is cut off, as by net.UDPConn. The Conn is also a
// [net.PacketConn] with one peer.
//
// Read shares the stream with Receive. On a session whose Messages was called,
// Read is [udp.ErrReading]. Close ends the session.
func (c *Session) Conn() net.Conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn == nil {
		c.conn = newConn(c)
		if c.why != nil && c.why != udp.ErrDrained {
			c.conn.stop()
		}
	}
	return c.conn
}

// String returns the two addresses, for logs.
func (c *Session) String() string {
	local := c.localAddr()
	if !local.IsValid() {
		return fmt.Sprintf("unbound->%v", c.peer)
	}
	return fmt.Sprintf("%v->%v", local, c.peer)
}
