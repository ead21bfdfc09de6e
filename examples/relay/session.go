package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"

	"example.com/dgram/udp"
	"example.com/dgram/udp/session"
)

// A relay is the clients and what has been passed on.
type relay struct {
	out      io.Writer
	socket   *udp.Socket // the clients' side
	clients  *session.Mux
	upstream string // the other side
	live     bool
	verbose  bool

	group    sync.WaitGroup // the sessions
	up, down counter
	errors   atomic.Uint64
}

// A counter counts datagrams and their bytes.
type counter struct{ datagrams, bytes atomic.Uint64 }

func (c *counter) add(n int) {
	c.datagrams.Add(1)
	c.bytes.Add(uint64(n))
}

// resolve looks the other side up once: a lookup for each session would hold up
// all others.
func resolve(ctx context.Context, address string) (netip.AddrPort, error) {
	s, err := udp.New("udp")
	if err != nil {
		return netip.AddrPort{}, err
	}
	defer s.Close()
	return s.Resolve(ctx, address)
}

// serve relays for one client until its session ends. The socket towards the
// other side ends with the session's context.
func (r *relay) serve(ctx context.Context, c *session.Session) {
	defer c.Close()
	other, err := udp.Dial(c.Context(), "udp", r.upstream)
	if err != nil {
		r.failed(err)
		return
	}
	var back sync.WaitGroup
	back.Go(func() { r.back(ctx, c, other) })
	for m := range c.Messages() {
		r.count(&r.up, m, other.Send(ctx, m.Data))
	}
	other.Close()
	back.Wait()
	r.log("session of %v ends: %v", c.Peer(), context.Cause(c.Context()))
}

// back passes the answers to a client. It reads the socket itself, without a
// goroutine and a channel between.
func (r *relay) back(ctx context.Context, c *session.Session, other *udp.Socket) {
	for m, err := range other.All(ctx) {
		if err == nil {
			err = c.Send(ctx, m.Data)
		}
		r.count(&r.down, m, err)
	}
}

// count counts a datagram that was passed on, or an error.
func (r *relay) count(c *counter, m udp.Message, err error) {
	if err != nil {
		r.failed(err)
		return
	}
	c.add(len(m.Data))
	m.Release()
}

func (r *relay) log(format string, args ...any) {
	if r.verbose {
		fmt.Fprintf(r.out, format+"\n", args...)
	}
}

// failed counts a datagram that could not be passed on. It is seldom worth a
// line: a peer that has gone would fill the screen.
func (r *relay) failed(err error) {
	if errors.Is(err, net.ErrClosed) || errors.Is(err, context.Canceled) {
		return // the session has ended meanwhile
	}
	r.errors.Add(1)
	r.log("error: %v", err)
}

// status is a line of statistics. Sessions that end with the program count as
// there.
func (r *relay) status() string {
	s := r.clients.Stats()
	return fmt.Sprintf("%d sessions of %d (%d idle, %d evicted), up %d datagrams %d bytes, down %d datagrams %d bytes, %d errors, %d lost",
		s.Opened-s.EndedIdle-s.EndedEvicted, s.Opened, s.EndedIdle, s.EndedEvicted,
		r.up.datagrams.Load(), r.up.bytes.Load(), r.down.datagrams.Load(), r.down.bytes.Load(),
		r.errors.Load(), r.socket.Stats().DroppedKernel+s.DroppedQueue+s.DroppedBacklog)
}
