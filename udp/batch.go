package udp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"

	"example.com/dgram/internal/kernel"
)

// A Datagram is an outgoing UDP datagram.
type Datagram struct {
	Data      []byte         // the payload; in the Outbox, the socket's until it has been sent
	To        netip.AddrPort // zero on a connected socket
	From      netip.Addr     // source address to send from; zero lets the system choose
	Interface int            // index of the outgoing interface; 0 lets the system choose
	TOS       uint8          // TOS or traffic class of this datagram; 0 is the socket's
	TTL       uint8          // hop limit of this datagram; 0 is the socket's

	anySource bool // set by Message.Reply: From may be left out if the kernel refuses it
}

// kernelDatagram returns d as the kernel contract has it.
func (s *Socket) kernelDatagram(d *Datagram) kernel.Datagram {
	to := unmap(d.To)
	return kernel.Datagram{
		Data: d.Data, To: to, From: s.source(to, d.From.Unmap()), AnySource: d.anySource,
		Interface: d.Interface, TOS: d.TOS, TTL: d.TTL,
	}
}

// source returns the source address of a datagram that names from: for a group it
// may be set for the whole socket, by package multicast.
func (s *Socket) source(to netip.AddrPort, from netip.Addr) netip.Addr {
	if from.IsValid() || !to.Addr().IsMulticast() {
		return from
	}
	if a := s.groupSource.Load(); a != nil && a.Is4() == to.Addr().Is4() {
		return *a
	}
	return from
}

// checkDatagram returns an error if d cannot be sent by these rules.
func (r *rules) checkDatagram(d *kernel.Datagram) error {
	if d.Interface < 0 {
		return invalid(fmt.Sprintf("interface %d is negative", d.Interface))
	}
	return r.check(d.To, d.From, len(d.Data), 1)
}

// checkAfter is checkDatagram for a datagram that follows one that may be sent, or
// nil. What holds for the one before holds for a second with the same addresses. Not
// so with a block list: it is asked about each datagram, because its answers may
// change.
func (r *rules) checkAfter(before, d *kernel.Datagram) error {
	if before != nil && r.block == nil && len(d.Data) <= maxPayload4 &&
		d.To == before.To && d.From == before.From && d.Interface == before.Interface {
		return nil
	}
	return r.checkDatagram(d)
}

// maxBatch is the most datagrams that are handed to the kernel package at once.
const maxBatch = 256

var batches = sync.Pool{New: func() any { return new([]kernel.Datagram) }}

// putBatch clears a batch and gives it back to the pool.
func putBatch(b *[]kernel.Datagram) {
	clear(*b)
	*b = (*b)[:0]
	batches.Put(b)
}

// SendBatch sends datagrams in order, in the caller's goroutine: what goes to one
// destination leaves as one burst, and the rest many to a system call. It waits as
// [Socket.Send] does.
//
// It goes past each datagram that fails by itself. The number that it returns is how
// many the kernel accepted, and the error joins one [*SendError] for each that
// failed. It stops early only when ctx or the socket ends; that error is joined to
// the others.
func (s *Socket) SendBatch(ctx context.Context, batch []Datagram) (sent int, err error) {
	if err := s.checkUsable(ctx); err != nil {
		return 0, s.opError("send", netip.AddrPort{}, err)
	}
	b := batches.Get().(*[]kernel.Datagram)
	defer putBatch(b)
	var failures []error
	for next := 0; next < len(batch); {
		ep, err := s.endpointFor(ctx, &batch[next])
		if err != nil {
			if e := s.checkUsable(ctx); e != nil {
				return sent, s.stopped(failures, e)
			}
			failures = append(failures, s.sendError(next, &batch[next], err))
			next++
			continue
		}
		list, bad := (*b)[:0], error(nil)
		var before *kernel.Datagram
		for i := next; i < len(batch) && len(list) < maxBatch; i++ {
			list = append(list, s.kernelDatagram(&batch[i]))
			d := &list[len(list)-1]
			if bad = ep.checkAfter(before, d); bad != nil {
				*d = kernel.Datagram{}
				list = list[:len(list)-1]
				break
			}
			before = d
		}
		if len(list) > len(*b) {
			*b = list // as long as it ever was, for putBatch to clear
		}
		var stop error
		sent += len(list)
		s.sender.sendAll(ep.conns[0], list,
			func(i int) error { return s.sender.sendQueued(ep.conns[0], &list[i], nil, ctx.Done()) },
			func(int) {},
			func(i int, err error) bool {
				if errors.Is(err, kernel.ErrStopped) || errors.Is(err, net.ErrClosed) {
					stop, sent = err, sent-(len(list)-i)
					return false
				}
				sent--
				failures = append(failures, s.sendError(next+i, &batch[next+i], err))
				return true
			})
		if stop != nil {
			if errors.Is(stop, kernel.ErrStopped) {
				stop = ctx.Err()
			}
			return sent, s.stopped(failures, stop)
		}
		if next += len(list); bad != nil {
			failures = append(failures, s.sendError(next, &batch[next], bad))
			next++
		}
	}
	if failures == nil {
		return sent, nil
	}
	return sent, errors.Join(failures...)
}

// endpointFor returns the endpoint to send d from. It binds an unbound socket, unless
// d could not be sent anyway.
func (s *Socket) endpointFor(ctx context.Context, d *Datagram) (*endpoint, error) {
	if ep := s.endpoint.Load(); ep != nil {
		return ep, nil
	}
	k := s.kernelDatagram(d)
	if err := s.unboundRules().checkDatagram(&k); err != nil {
		return nil, err
	}
	return s.autoBindFor(ctx, "send", k.To.Addr())
}

// stopped returns the error of a batch that ended early with err.
func (s *Socket) stopped(failures []error, err error) error {
	err = s.opError("send", netip.AddrPort{}, err)
	if failures == nil {
		return err
	}
	return errors.Join(append(failures, err)...)
}

// sendError returns the error of a datagram at an index of a batch.
func (s *Socket) sendError(index int, d *Datagram, err error) *SendError {
	to := s.rules().target(d.To)
	return &SendError{Index: index, To: to, Bytes: len(d.Data), Err: s.opError("send", to, err)}
}
