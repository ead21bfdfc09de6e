package udp

import (
	"errors"
	"net"
	"net/netip"
	"os"

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

// takeICMPErrors returns the errors to report after a receive has failed with err.
// It reads the pending errors, at most icmpBurst of them: the kernel wakes the reader
// again if there are more.
func (s *Socket) takeICMPErrors(conn kernel.Conn, err error) []error {
	errno, isErrno := errnoOf(err)
	if isErrno {
		s.icmp.Note(errno)
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
		s.icmp.Note(r.Errno)
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
	var tried kernel.Attempts
	for pending := false; !tried.Failed(errnoIn(err), pending, &s.icmp); {
		pending = others.take(s, conn)
		err = conn.Send(d, oob)
		isErrno := mayBePending(err)
		if !isErrno || errnoIn(err) != tried.Errno { // d's own error would have come again
			others.add(s, tried.Errno, tried.Row)
		}
		if !isErrno {
			s.endIfGone(err)
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

const maxOtherErrors = 64 // that one resend reports

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
func (o *otherErrors) add(s *Socket, errno posix.Errno, n int) {
	s.icmp.Note(errno)
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
