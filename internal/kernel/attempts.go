package kernel

import (
	"sync/atomic"
	"time"

	"example.com/dgram/internal/posix"
)

// Attempts to send the same datagrams show whether an errno is about them. The next
// call on a socket returns an asynchronous error, which is about an earlier datagram
// and has any errno. So the send is tried again. An errno is about the send if a row of
// attempts returned it, and nothing was pending before any of them. One attempt is not
// enough: an asynchronous error may arrive just before it. The row is longer while
// asynchronous errors have the same errno, because a flood of half a million a second
// hits every second attempt.
type Attempts struct {
	Errno posix.Errno // of the last
	Row   int         // how often Errno came in a row
	quiet int         // of the row those before which nothing was pending
	tries int
}

const (
	quietAttempts = 6
	floodAttempts = 64
	maxAttempts   = 1 << 12
)

// Failed records that an attempt has failed with errno. pending says that asynchronous
// errors were there before it, and taken has those of the socket. Failed reports
// whether errno is about what was sent; if not, the send is to be tried again.
func (a *Attempts) Failed(errno posix.Errno, pending bool, taken *ErrnoHistory) bool {
	a.tries++
	switch {
	case a.Row == 0 || errno != a.Errno:
		a.Errno, a.Row, a.quiet = errno, 1, 0
	case pending:
		a.Row, a.quiet = a.Row+1, 0
	default:
		a.Row, a.quiet = a.Row+1, a.quiet+1
	}
	return a.quiet >= floodAttempts || a.quiet >= quietAttempts && !taken.Recent(errno) || a.tries >= maxAttempts
}

// An ErrnoHistory records when a socket last took an asynchronous error, and the errnos
// of these errors. A second without one clears the errnos.
type ErrnoHistory struct {
	last   atomic.Int64
	errnos atomic.Uint64 // a bit for each errno, modulo 64
}

// Note records an asynchronous error.
func (h *ErrnoHistory) Note(errno posix.Errno) {
	now := time.Now().UnixNano()
	if now-h.last.Load() >= int64(time.Second) {
		h.errnos.Store(0)
	}
	h.errnos.Or(bitOf(errno))
	h.last.Store(now)
}

// Recent reports whether there was an asynchronous error with errno within the last
// second.
func (h *ErrnoHistory) Recent(errno posix.Errno) bool {
	return h.errnos.Load()&bitOf(errno) != 0 && time.Now().UnixNano()-h.last.Load() < int64(time.Second)
}

func bitOf(errno posix.Errno) uint64 { return 1 << (uint(errno) % 64) }
