package session

import (
	"context"
	"fmt"
	"iter"
	"net"
	"net/netip"
	"sync"
	"time"

	"example.com/dgram/udp"
)

// A Mux divides the datagrams of one socket into sessions. Its methods may be
// called from any goroutine.
type Mux struct {
	socket   *udp.Socket
	cfg      config
	start    time.Time
	sessions chan *Session
	ended    chan struct{} // closed by Close, and at the end of the socket
	drained  chan struct{} // closed when Drain is complete
	progress chan struct{} // a signal that Drain may be
	atOnce   chan struct{} // closed from the beginning: for sends that do not wait

	mu      sync.Mutex // held for short times only: nothing waits under it
	phase   phase
	why     error // why there are no new sessions, once phase is not open
	table   table
	ranking ranking
	timer   *time.Timer // runs expire; nil before the first session
	alarm   int64       // when it will, or 0
	count   Stats       // but for Accepted
	offered uint64      // sessions sent to the channel

	found [batchSize]*Session // by deliver alone

	waiting waiting
	news    news
}

// phase is how far a mux is.
type phase uint8

const (
	open     phase = iota
	draining       // no session begins
	closed         // no session is left
)

// New makes a mux that takes the stream of s. On a socket that is read already,
// by Messages, All, the view of PacketConn or another mux, the error is
// [udp.ErrReading]. The mux holds the loop of Socket.All. Nothing else may read the
// socket beside it: Socket.Receive, ReceiveBatch and TryReceive read the same stream as
// that loop, and would take datagrams of its sessions.
//
// The mux reads in one goroutine, which ends with the socket. The socket stays the
// caller's: it can still send, and the caller closes it. The end of the socket
// ends the mux and every session, with the same cause.
func New(s *udp.Socket, opts ...Option) (*Mux, error) {
	if s == nil {
		return nil, &net.OpError{Op: "session", Net: "udp", Err: invalid("nil socket")}
	}
	cfg := newConfig(opts)
	if cfg.err != nil {
		return nil, &net.OpError{Op: "session", Net: s.Network(), Err: cfg.err}
	}
	m := &Mux{
		socket:   s,
		cfg:      cfg,
		start:    time.Now(),
		sessions: make(chan *Session, cfg.backlog),
		ended:    make(chan struct{}),
		drained:  make(chan struct{}),
		progress: make(chan struct{}, 1),
		atOnce:   make(chan struct{}),
		table:    table{byPeer: map[netip.AddrPort]*Session{}},
		news:     news{c: make(chan error, 16)},
	}
	close(m.atOnce)
	select {
	case <-s.Done():
		return nil, m.opError("session", netip.AddrPort{}, endError(s.Err()))
	default:
	}
	if err := m.take(); err != nil {
		return nil, err
	}
	return m, nil
}

// Sessions returns the channel on which sessions arrive when a peer that was not
// known sends its first datagram, which is then in the session's stream. Every
// call returns the same channel. It holds as many sessions as [Backlog] says, and
// [Mux.Listener] takes from it too. A session may have ended while it waited
// there, of idle time or by an eviction: its stream still has what was received, and
// [Session.Context] is done.
//
// The channel is closed when the mux is drained or closed, or the socket ends.
func (m *Mux) Sessions() <-chan *Session { return m.sessions }

// Errors returns the channel of errors that belong to no call: what the socket
// reports while it is read, such as a peer that refuses. It is safe to ignore: it
// never blocks, and what does not fit is counted in the socket's Stats alone. It
// is closed when the socket ends. A socket with several readers (udp.WithReaders)
// reports to its own Errors.
func (m *Mux) Errors() <-chan error { return m.news.c }

// Open returns a session with a peer that has not asked for one: the other
// direction, over the same socket. Where there is a session with the peer already,
// it is that one. A session of Open is not sent on [Mux.Sessions]. The first
// datagram of the peer gives it its local address. The peer counts as known, as
// if something had been sent to it.
//
// The error is [ErrFull] where there are [Max] sessions and none is evicted, and
// [net.ErrClosed] with the cause after the end. For an address that the socket cannot
// send to it is [udp.ErrAddressFamily], which an unspecified one is too,
// [udp.ErrBadPort], or syscall.ENODEV where the socket's system has no such zone.
func (m *Mux) Open(ctx context.Context, peer netip.AddrPort) (*Session, error) {
	if ctx == nil {
		return nil, m.opError("open", peer, errNilContext)
	}
	if err := m.ending(); err != nil {
		return nil, m.opError("open", peer, err)
	}
	peer, err := m.checkPeer(ctx, peer)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.phase != open {
		return nil, m.opError("open", peer, endError(m.why))
	}
	if c := m.table.lookup(peer, netip.Addr{}); c != nil {
		m.ranking.answer(c)
		return c, nil
	}
	if !m.makeRoom() {
		return nil, m.opError("open", peer, ErrFull)
	}
	c := &Session{mux: m, peer: peer}
	c.answered.Store(true)
	m.add(c, m.now())
	return c, nil
}

// checkPeer returns peer as the socket's messages have it.
func (m *Mux) checkPeer(ctx context.Context, peer netip.AddrPort) (netip.AddrPort, error) {
	if err := ctx.Err(); err != nil {
		return peer, err
	}
	switch a := peer.Addr().Unmap(); {
	case !a.IsValid():
		return peer, m.opError("open", peer, fmt.Errorf("%w: no address", udp.ErrAddressFamily))
	case a.IsUnspecified():
		return peer, m.opError("open", peer, fmt.Errorf("%w: %v is no peer's address", udp.ErrAddressFamily, a))
	}
	if to := m.socket.RemoteAddr(); to.IsValid() && to != canonical(peer) {
		return peer, m.opError("open", peer, udp.ErrAlreadyConnected)
	}
	return m.resolvePeer(ctx, peer)
}

// Lookup returns the session with a peer at a local address. Any local address
// will do where local is the zero Addr.
func (m *Mux) Lookup(peer netip.AddrPort, local netip.Addr) (*Session, bool) {
	peer, local = canonical(peer), canonicalAddr(local)
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.table.lookup(peer, local)
	return c, c != nil
}

// All returns the sessions that there are when the loop begins, in no order.
func (m *Mux) All() iter.Seq[*Session] {
	return func(yield func(*Session) bool) {
		m.mu.Lock()
		sessions := m.table.all()
		m.mu.Unlock()
		for _, c := range sessions {
			if !yield(c) {
				return
			}
		}
	}
}

// Len returns the number of sessions.
func (m *Mux) Len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.table.n
}

// makeRoom reports whether there is room for one more session. It evicts one
// where the policy says so. The caller holds mu.
func (m *Mux) makeRoom() bool {
	if m.table.n < m.cfg.max {
		return true
	}
	if m.cfg.whenMax == RefuseNew {
		return false
	}
	m.end(m.ranking.idlest(), ErrEvicted)
	return true
}

// sent notes that a datagram was sent to the peer of c.
func (m *Mux) sent(c *Session) {
	now := m.now()
	behind := c.passed(now, m.periodOf(now))
	if c.answered.Load() && !behind {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ranking.answer(c)
	m.ranking.renew(c)
}

// add begins a session. The caller holds mu.
func (m *Mux) add(c *Session, now int64) {
	c.last.Store(now)
	m.table.add(c)
	m.ranking.add(c, now)
	m.count.Opened++
	m.watch(c, now)
}
