package session

import (
	"errors"
	"fmt"
	"time"

	"example.com/dgram/internal/posix"
	"example.com/dgram/udp"
)

// An Option configures a [Mux]. A value out of range is the error of [New].
type Option func(*config)

// A SessionPolicy says what happens to a new peer when there are [Max] sessions.
type SessionPolicy int

const (
	// RefuseNew opens no session for the new peer. Its datagrams are counted in
	// Stats.Refused, and [Mux.Open] returns [ErrFull].
	RefuseNew SessionPolicy = iota
	// EvictIdlest ends the session that has been idle for the longest time, with
	// [ErrEvicted]. Sessions to which nothing was ever sent go first. Where many
	// sessions have had datagrams since the last eviction it may end another one, which
	// has been idle for less time than the idlest by at most 1/64 of [Idle].
	EvictIdlest
)

func (p SessionPolicy) String() string {
	switch p {
	case RefuseNew:
		return "RefuseNew"
	case EvictIdlest:
		return "EvictIdlest"
	}
	return fmt.Sprintf("SessionPolicy(%d)", int(p))
}

// A QueuePolicy says which datagram is dropped when the queue of a session is
// full. Stats.DroppedQueue counts it.
type QueuePolicy int

const (
	// DropNewest drops the datagram that has just arrived.
	DropNewest QueuePolicy = iota
	// DropOldest drops the datagram that has waited for the longest time.
	DropOldest
)

func (p QueuePolicy) String() string {
	switch p {
	case DropNewest:
		return "DropNewest"
	case DropOldest:
		return "DropOldest"
	}
	return fmt.Sprintf("QueuePolicy(%d)", int(p))
}

const (
	defaultIdle    = 2 * time.Minute
	defaultMax     = 65536
	defaultQueue   = 16
	defaultBacklog = 1024

	// forever is the longest idle time, and leaves room for sums.
	forever = time.Duration(1 << 62)
	// limit is the largest number of sessions: places in the idle queues are int32.
	limit = 1 << 30
	// backlogLimit keeps the channel of sessions below 8 MiB.
	backlogLimit = 1 << 20
	// queueLimit keeps the channel of one session below 8 MiB.
	queueLimit = 1 << 16
)

// config is what the options set.
type config struct {
	err     error // the first bad value
	idle    time.Duration
	max     int
	whenMax SessionPolicy
	queue   int
	whenOut QueuePolicy
	backlog int
	admit   func(udp.Message) bool // nil admits every peer
}

func newConfig(opts []Option) config {
	c := config{idle: defaultIdle, max: defaultMax, queue: defaultQueue, backlog: defaultBacklog}
	for _, option := range opts {
		if option == nil {
			c.fail(invalid("nil option"))
			continue
		}
		option(&c)
	}
	return c
}

func (c *config) fail(err error) {
	if c.err == nil {
		c.err = err
	}
}

func (c *config) within(name string, n, most int) {
	if n < 1 || n > most {
		c.fail(invalid(fmt.Sprintf("%s %d is not in 1..%d", name, n, most)))
	}
}

// strangerIdle is the idle time of sessions to which nothing was ever sent.
func (c *config) strangerIdle() time.Duration { return max(c.idle/10, 1) }

// period is how far the order of eviction may be from the order of the last
// datagrams. A session's place costs work once in a period at most.
func (c *config) period() time.Duration { return max(c.idle/64, 1) }

// Idle ends a session, with [ErrIdle], when no datagram has passed either way
// for d. A session to which nothing was ever sent ends after a tenth of d:
// its peer may be a forged address. The default is 2 minutes.
func Idle(d time.Duration) Option {
	return func(c *config) {
		if d <= 0 {
			c.fail(invalid(fmt.Sprintf("idle time %v is not positive", d)))
		}
		c.idle = min(d, forever)
	}
}

// Max bounds the number of sessions, those from [Mux.Open] included. The default
// is 65536 and [RefuseNew].
func Max(n int, policy SessionPolicy) Option {
	return func(c *config) {
		c.within("number of sessions", n, limit)
		if policy != RefuseNew && policy != EvictIdlest {
			c.fail(invalid(fmt.Sprintf("unknown policy %v", policy)))
		}
		c.max, c.whenMax = n, policy
	}
}

// Queue bounds the datagrams that wait in one session for its reader. A session
// whose queue is full loses datagrams and holds up no other session. The default
// is 16 and [DropNewest].
//
// [Session.Messages] allocates the whole queue, 128 bytes for each of the n
// datagrams. [Session.Receive] and [Session.Conn] use memory for what waits.
func Queue(n int, policy QueuePolicy) Option {
	return func(c *config) {
		c.within("queue", n, queueLimit)
		if policy != DropNewest && policy != DropOldest {
			c.fail(invalid(fmt.Sprintf("unknown policy %v", policy)))
		}
		c.queue, c.whenOut = n, policy
	}
}

// Backlog bounds the sessions that wait in [Mux.Sessions]. While the backlog is
// full, a datagram of a new peer is dropped and counted in Stats.DroppedBacklog.
// The default is 1024.
func Backlog(n int) Option {
	return func(c *config) {
		c.within("backlog", n, backlogLimit)
		c.backlog = n
	}
}

// Admit asks f whether a peer's first datagram may open a session. A datagram
// that f refuses is counted in Stats.Refused.
//
// The mux calls f in the goroutine that reads the socket, one call at a time, so
// f must be quick. The bytes of the message are valid only during the call. The
// mux holds no lock: f may call every method of the mux, its sessions and the
// socket except those that wait for datagrams (Receive, Read, Accept, Drain).
func Admit(f func(udp.Message) bool) Option {
	return func(c *config) {
		if f == nil {
			c.fail(invalid("nil admit function"))
		}
		c.admit = f
	}
}

// invalid is a value out of range: syscall.EINVAL with words.
type invalid string

func (e invalid) Error() string { return string(e) }

func (e invalid) Is(target error) bool { return target == posix.EINVAL }

var errNilContext error = invalid("nil context")

// The errors of this package. [context.Cause] of a session's context is one of
// the first two, [net.ErrClosed], [udp.ErrDrained], or the error that ended the
// socket.
var (
	// ErrIdle is the cause of a session without datagrams for as long as [Idle].
	ErrIdle = errors.New("session was idle")
	// ErrEvicted is the cause of a session that made room for another one.
	ErrEvicted = errors.New("session was evicted")
	// ErrFull means that there are [Max] sessions and the policy is [RefuseNew].
	ErrFull = errors.New("too many sessions")
)
