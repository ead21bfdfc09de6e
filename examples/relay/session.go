package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"example.com/dgram/udp"
)

// A relay is the sessions and what they have done.
type relay struct {
	out      io.Writer
	clients  *udp.Socket    // the clients' side
	upstream netip.AddrPort // the other side
	most     int            // sessions at a time
	idle     time.Duration
	live     bool
	verbose  bool

	sessions map[client]*session
	backs    sync.WaitGroup

	begun, expired, evicted int
	up, down                counter
	errors                  atomic.Uint64
}

// A client is who sends, and to which address of ours: the answers come from
// there.
type client struct {
	from netip.AddrPort
	to   netip.Addr
}

// A counter counts datagrams and their bytes.
type counter struct{ datagrams, bytes atomic.Uint64 }

func (c *counter) add(n int) {
	c.datagrams.Add(1)
	c.bytes.Add(uint64(n))
}

// A session is one client's way to the other side.
type session struct {
	client client
	socket *udp.Socket  // connected to the other side
	last   atomic.Int64 // when a datagram passed, either way
}

func (s *session) touch() { s.last.Store(time.Now().UnixNano()) }

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

// forward passes a client's datagram on.
func (r *relay) forward(ctx context.Context, m udp.Message) {
	defer m.Release()
	s, err := r.session(ctx, m)
	if err != nil {
		r.failed(err)
		return
	}
	s.touch()
	if err := s.socket.Send(ctx, m.Data); err != nil {
		r.failed(err)
		return
	}
	r.up.add(len(m.Data))
}

// session finds the client's session, or begins one.
func (r *relay) session(ctx context.Context, m udp.Message) (*session, error) {
	c := client{m.From, m.To}
	if s := r.sessions[c]; s != nil && s.socket.Err() == nil {
		return s, nil
	} else if s != nil {
		r.end(s, "broken")
	}
	if len(r.sessions) >= r.most {
		r.evict()
	}
	socket, err := udp.Dial(ctx, "udp", r.upstream.String())
	if err != nil {
		return nil, err
	}
	s := &session{client: c, socket: socket}
	s.touch()
	r.sessions[c] = s
	r.begun++
	r.log(s, "begins")
	m.Data = nil // m stays for its addresses
	r.backs.Go(func() { r.back(ctx, s, m) })
	return s, nil
}

// back passes the answers to a client, until its session ends. It reads the
// socket itself, without a goroutine and a channel between.
func (r *relay) back(ctx context.Context, s *session, client udp.Message) {
	for m, err := range s.socket.All(ctx) {
		if err == nil {
			s.touch()
			err = r.clients.Reply(ctx, client, m.Data)
		}
		if err != nil {
			r.failed(err)
			continue
		}
		r.down.add(len(m.Data))
		m.Release()
	}
}

// sweep ends the sessions that have been idle for too long.
func (r *relay) sweep(now time.Time) {
	limit := now.Add(-r.idle).UnixNano()
	for _, s := range r.sessions {
		if s.last.Load() <= limit {
			r.expired++
			r.end(s, "has been idle")
		}
	}
}

// evict makes room for one session. To look at a thousand costs less than to
// keep them in order with every datagram.
func (r *relay) evict() {
	oldest := slices.MinFunc(slices.Collect(maps.Values(r.sessions)), func(a, b *session) int {
		return cmp.Compare(a.last.Load(), b.last.Load())
	})
	r.evicted++
	r.end(oldest, "makes room")
}

// end ends a session. Close waits for nobody but the socket itself.
func (r *relay) end(s *session, why string) {
	s.socket.Close()
	delete(r.sessions, s.client)
	r.log(s, why)
}

// close ends all.
func (r *relay) close() {
	for _, s := range r.sessions {
		s.socket.Close()
	}
	r.backs.Wait()
}

func (r *relay) log(s *session, what string) {
	if r.verbose {
		fmt.Fprintf(r.out, "session of %v %s\n", s.client.from, what)
	}
}

// failed counts a datagram that could not be passed on. It is seldom worth a
// line: a peer that has gone would fill the screen.
func (r *relay) failed(err error) {
	r.errors.Add(1)
	if r.verbose {
		fmt.Fprintf(r.out, "error: %v\n", err)
	}
}

// status is a line of statistics.
func (r *relay) status() string {
	lost := r.clients.Stats().DroppedKernel
	return fmt.Sprintf("%d sessions of %d (%d idle, %d evicted), up %d datagrams %d bytes, down %d datagrams %d bytes, %d errors, %d lost",
		len(r.sessions), r.begun, r.expired, r.evicted,
		r.up.datagrams.Load(), r.up.bytes.Load(), r.down.datagrams.Load(), r.down.bytes.Load(),
		r.errors.Load(), lost)
}
