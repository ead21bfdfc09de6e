package udp

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"time"

	"example.com/dgram/internal/kernel"
	"example.com/dgram/internal/posix"
)

// An ICMP error about a datagram arrives later, as the result of the next call on the
// socket. This file separates such an asynchronous error from the result of the call
// itself. It has no list of ICMP's errnos: any errno can be one.
//
//   - An errno of a receive is an asynchronous error, unless it says that the
//     descriptor is gone or that memory is short.
//   - An errno of a send is that send's own only if it comes again while nothing
//     is pending.

// isSocketGone reports whether err means that the descriptor is unusable.
func isSocketGone(err error) bool {
	errno, _ := errnoOf(err)
	return errors.Is(err, net.ErrClosed) || errors.Is(err, os.ErrClosed) || kernel.IsSocketGone(errno)
}

// isMemoryShort reports whether a receive failed for want of memory.
func isMemoryShort(err error) bool {
	errno, _ := errnoOf(err)
	return kernel.IsMemoryShort(errno)
}

// isICMPError reports whether err, the error of a receive, is about datagrams that
// were sent earlier.
func isICMPError(err error) bool {
	_, isErrno := errnoOf(err)
	return errors.Is(err, kernel.ErrPending) || isErrno && !isSocketGone(err) && !isMemoryShort(err)
}

// errnoOf finds the errno in err.
func errnoOf(err error) (posix.Errno, bool) {
	var errno posix.Errno
	ok := errors.As(err, &errno)
	return errno, ok
}

// icmpHistory records when a socket last took an asynchronous error, and which errnos
// these errors had since there was last none for a second.
type icmpHistory struct {
	last   atomic.Int64
	errnos atomic.Uint64 // a bit for each errno, modulo 64
}

func (h *icmpHistory) note(errno posix.Errno) {
	now := time.Now().UnixNano()
	if now-h.last.Load() >= int64(time.Second) {
		h.errnos.Store(0)
	}
	h.errnos.Or(bitOf(errno))
	h.last.Store(now)
}

// recent reports whether there was an asynchronous error with errno within the last
// second.
func (h *icmpHistory) recent(errno posix.Errno) bool {
	return h.errnos.Load()&bitOf(errno) != 0 && time.Now().UnixNano()-h.last.Load() < int64(time.Second)
}

func bitOf(errno posix.Errno) uint64 { return 1 << (uint(errno) % 64) }

// takeICMPErrors returns the errors to report after a receive has failed with err.
// It reads the pending errors, at most icmpBurst of them: the kernel wakes the reader
// again if there are more.
func (s *Socket) takeICMPErrors(conn kernel.Conn, err error) []error {
	errno, isErrno := errnoOf(err)
	if isErrno {
		s.icmp.note(errno)
	}
	var found []error
	repeated := false
	for range icmpBurst {
		r, ok := s.nextRefusal(conn)
		if !ok {
			break
		}
		repeated = repeated || r.Errno == errno
		found = append(found, s.refusalError(r))
	}
	if isErrno && !(repeated && s.cfg.kernel.ICMPErrors) { // else the error queue has said it, with the destination
		found = append(found, s.refusalError(kernel.Refusal{Errno: errno}))
	}
	return found
}

// nextRefusal takes one pending error off. One that says that the descriptor is
// unusable ends the socket.
func (s *Socket) nextRefusal(conn kernel.Conn) (kernel.Refusal, bool) {
	r, ok := conn.NextRefusal()
	if ok {
		s.icmp.note(r.Errno)
		s.endIfGone(r.Errno)
	}
	return r, ok
}

// reportICMPErrors reports the pending errors on Errors.
func (s *Socket) reportICMPErrors(conn kernel.Conn, err error) {
	for _, e := range s.takeICMPErrors(conn, err) {
		s.report(e)
	}
}

// refusalError is the error that a user sees. Where the kernel does not say which
// destination failed, it is the peer.
func (s *Socket) refusalError(r kernel.Refusal) error {
	call := "icmp"
	if !r.To.IsValid() {
		call = "recvmsg"
	}
	if ep := s.endpoint.Load(); ep != nil && !r.To.IsValid() {
		r.To = ep.peer
	}
	return s.opError("read", r.To, os.NewSyscallError(call, r.Errno))
}

// How resend judges: an errno is the datagram's own if it came from so many
// attempts in a row, before each of which nothing was pending. What arrives between
// the look and the attempt is taken for the datagram's own by one attempt, and not
// by a row of them. While asynchronous errors have the same errno the row is longer: a
// flood of half a million a second hits every second attempt.
const (
	quietAttempts  = 6
	floodAttempts  = 64
	maxAttempts    = 1 << 12
	maxOtherErrors = 64 // that one resend reports
)

// mayBePending reports whether err, the error of a send, may be about datagrams
// that were sent earlier.
func mayBePending(err error) bool {
	_, isErrno := errnoOf(err)
	return isErrno && !kernel.WouldBlock(err) && !isSocketGone(err)
}

// resend handles a send of d that has failed with err: it reads the pending errors,
// sends d again, and judges the answer. The error that it returns is d's own. The
// others go to Errors.
func (s *Socket) resend(conn kernel.Conn, d *kernel.Datagram, oob []byte, err error) error {
	if !mayBePending(err) {
		s.endIfGone(err)
		return err
	}
	var others otherErrors
	defer func() { others.report(s) }()
	errno, same, quiet := errnoIn(err), 1, 0 // same: how often errno came in a row
	for range maxAttempts {
		if others.take(s, conn) {
			quiet = 0
		} else {
			quiet++
		}
		again := conn.Send(d, oob)
		switch {
		case !mayBePending(again):
			s.endIfGone(again)
			others.add(s, err, same)
			return again
		case errnoIn(again) != errno:
			others.add(s, err, same) // d's own error would have come again
			err, errno, same, quiet = again, errnoIn(again), 1, 0
			continue
		}
		same++
		if quiet >= floodAttempts || quiet >= quietAttempts && !s.icmp.recent(errno) {
			break
		}
	}
	return err
}

// endIfGone ends the socket if err says that the descriptor is unusable. The kernel
// says so once, to the next call, and a reader would wait for ever.
func (s *Socket) endIfGone(err error) {
	if errno, ok := errnoOf(err); ok && kernel.IsSocketGone(errno) {
		s.shutdown(s.opError("read", netip.AddrPort{}, err))
	}
}

// errnoIn is the errno in err.
func errnoIn(err error) posix.Errno {
	errno, _ := errnoOf(err)
	return errno
}

// otherErrors are asynchronous errors that a send has met, to be reported when the
// send is over: a resend in between leaves no time for more to arrive.
type otherErrors []otherError

type otherError struct {
	kernel.Refusal
	count uint64
}

// take reads pending errors, at most icmpBurst of them. It reports whether there was
// one.
func (o *otherErrors) take(s *Socket, conn kernel.Conn) bool {
	for n := range icmpBurst {
		r, ok := s.nextRefusal(conn)
		if !ok {
			return n > 0
		}
		o.put(r, 1)
	}
	return true
}

// add adds the errno of n sends, unless the error queue says it, with the
// destination.
func (o *otherErrors) add(s *Socket, err error, n int) {
	errno := errnoIn(err)
	s.icmp.note(errno)
	if !s.cfg.kernel.ICMPErrors {
		o.put(kernel.Refusal{Errno: errno}, n)
	}
}

func (o *otherErrors) put(r kernel.Refusal, n int) {
	for i := range *o {
		if e := &(*o)[i]; e.Refusal == r || i == maxOtherErrors-1 {
			e.count += uint64(n)
			return
		}
	}
	*o = append(*o, otherError{r, uint64(n)})
}

func (o *otherErrors) report(s *Socket) {
	for _, e := range *o {
		s.errors.putMany(s.refusalError(e.Refusal), e.count, s.cfg.errorBuffer)
	}
}
