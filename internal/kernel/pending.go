package kernel

import (
	"errors"
	"sync"

	"example.com/dgram/internal/posix"
)

// ErrPending means that the network or the host has reported errors of earlier
// datagrams. [Conn.NextRefusal] returns them. The call itself has not failed.
var ErrPending = errors.New("errors of earlier datagrams are pending")

// IsSocketGone reports whether errno means that the descriptor is unusable.
// ECONNABORTED is the errno of a socket that an administrator destroyed (ss -K).
func IsSocketGone(errno posix.Errno) bool {
	return errno == posix.EBADF || errno == posix.ENOTSOCK || errno == posix.ECONNABORTED
}

// IsMemoryShort reports whether errno means that a receive failed for want of
// memory.
func IsMemoryShort(errno posix.Errno) bool {
	return errno == posix.ENOMEM || errno == posix.ENOBUFS
}

// maxFailures is how many errnos in a row a receive attributes to earlier
// datagrams, without a datagram or an empty queue between them. After that an errno
// is the error of the call.
const maxFailures = 128

// IsAsync reports whether errno, the result of a receive call, is about an earlier
// datagram. If so, the caller calls again, because queued datagrams come first.
// failures counts the errnos in a row.
func IsAsync(errno posix.Errno, failures *int) bool {
	if IsSocketGone(errno) || IsMemoryShort(errno) || *failures == maxFailures {
		return false
	}
	*failures++
	return true
}

// PendingErrors keeps the errors of earlier datagrams that receive calls returned,
// until [Conn.NextRefusal] returns them.
type PendingErrors struct {
	Taken ErrnoHistory // of Add

	mu   sync.Mutex
	list []Refusal
}

// maxPendingErrors is how many are kept.
const maxPendingErrors = 64

// Add keeps r, unless it repeats the last.
func (p *PendingErrors) Add(r Refusal) {
	p.Taken.Note(r.Errno)
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.list); n < maxPendingErrors && (n == 0 || p.list[n-1] != r) {
		p.list = append(p.list, r)
	}
}

// Next removes and returns the oldest error.
func (p *PendingErrors) Next() (r Refusal, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.list) == 0 {
		return r, false
	}
	r = p.list[0]
	if p.list = p.list[1:]; len(p.list) == 0 {
		p.list = nil
	}
	return r, true
}
