package udp

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"example.com/dgram/internal/kernel"
	"example.com/dgram/internal/posix"
)

// sender hands datagrams to the kernel. While the kernel's buffer is full, its
// callers wait in order.
type sender struct {
	s *Socket

	mu      fifoMutex                // held by the goroutine that waits for room
	waiting atomic.Int64             // datagrams that wait; later ones queue behind them
	queued  atomic.Int64             // their bytes
	spare   atomic.Pointer[outgoing] // one-entry cache in front of outgoingPool
}

// route says how one datagram leaves. All but to may be zero.
type route struct {
	to        netip.AddrPort // zero for the peer
	from      netip.Addr     // source address
	index     int            // outgoing interface
	anySource bool           // from may be left out if the kernel refuses it
}

// send hands one datagram to the kernel: at once if there is room and no other
// sender waits, else behind the senders that wait. The call tree below it is
// shallow, because after a system call the processor has to guess every return on
// its way up.
func (se *sender) send(ctx context.Context, ep *endpoint, r route, parts [][]byte) error {
	if len(parts) != 1 || r.from.IsValid() || r.index != 0 || se.waiting.Load() > 0 {
		return se.sendSlow(ctx, ep, r, parts, nil)
	}
	if err := ep.conns[0].SendTo(parts[0], r.to); err != nil {
		return se.sendSlow(ctx, ep, r, parts, err)
	}
	se.s.count.send(1, len(parts[0]))
	return nil
}

// sendSlow is send for a datagram that is not one plain part, that has to wait, or
// that failed at once with err.
func (se *sender) sendSlow(ctx context.Context, ep *endpoint, r route, parts [][]byte, err error) error {
	o := se.getOutgoing()
	o.pack(r, parts)
	n := o.d.Len()
	err = se.sendOrWait(ep.conns[0], &o.d, nil, err, ctx.Done())
	se.putOutgoing(o)
	if err != nil {
		if errors.Is(err, kernel.ErrStopped) {
			return ctx.Err()
		}
		return se.s.opError("send", ep.target(r.to), err)
	}
	se.s.count.send(1, n)
	return nil
}

// sendOrWait sends d, or queues it if other senders wait. err is the result of an
// attempt already made, or nil.
func (se *sender) sendOrWait(conn kernel.Conn, d *kernel.Datagram, oob []byte, err error, stop <-chan struct{}) error {
	if err == nil {
		if se.waiting.Load() > 0 {
			return se.sendQueued(conn, d, oob, stop)
		}
		if err = conn.Send(d, oob); err == nil {
			return nil
		}
	}
	if err = se.resend(conn, d, oob, err); kernel.WouldBlock(err) {
		err = se.sendQueued(conn, d, oob, stop)
	}
	return err
}

// resend judges err, with which a send of d has just failed: see [Socket.resend]. A
// source that the kernel refuses is left out where it
// may be.
func (se *sender) resend(conn kernel.Conn, d *kernel.Datagram, oob []byte, err error) error {
	err = se.s.resend(conn, d, oob, err)
	if err == nil || kernel.WouldBlock(err) || errors.Is(err, net.ErrClosed) || errors.Is(err, kernel.ErrStopped) {
		return err
	}
	if d.AnySource && d.From.IsValid() {
		d.From, d.Interface = netip.Addr{}, 0
		if err = conn.Send(d, oob); err == nil {
			return nil
		}
		if err = se.s.resend(conn, d, oob, err); kernel.WouldBlock(err) {
			return err
		}
	}
	return se.explain(conn, d, err)
}

// sendQueued sends d when there is room. Until then d counts as queued.
func (se *sender) sendQueued(conn kernel.Conn, d *kernel.Datagram, oob []byte, stop <-chan struct{}) error {
	se.enqueue(d, 1)
	defer se.enqueue(d, -1)
	return se.sendBlocking(conn, d, oob, stop)
}

// enqueue counts a datagram in, or out with -1. While any is counted, later
// senders wait.
func (se *sender) enqueue(d *kernel.Datagram, n int64) {
	se.waiting.Add(n)
	se.queued.Add(n * int64(d.Len()))
}

// sendBlocking sends d when there is room. Senders wait in order for mu; its holder
// waits for the kernel.
func (se *sender) sendBlocking(conn kernel.Conn, d *kernel.Datagram, oob []byte, stop <-chan struct{}) error {
	if !se.mu.lock(stop, se.s.lifetime.done) {
		if se.s.ending() {
			return net.ErrClosed
		}
		return kernel.ErrStopped
	}
	defer se.mu.unlock()
	pause := time.Millisecond
	for {
		err := conn.SendWait(d, oob, stop)
		if err = se.resend(conn, d, oob, err); !kernel.WouldBlock(err) {
			return err
		}
		if errors.Is(err, posix.EAGAIN) {
			continue // SendWait waits for room
		}
		// ENOBUFS: the device's queue is full, and nothing says when it is not.
		if err := se.s.sleep(pause, stop); err != nil {
			return err
		}
		pause = min(2*pause, 50*time.Millisecond)
	}
}

// sendAll gives a batch to the kernel in order and goes past the datagrams that
// fail by themselves. Where there is no room it calls wait to send datagram i. It
// calls done with how many of the batch are dealt with, and failed for each that
// was not sent; sendAll ends early if failed returns false.
func (se *sender) sendAll(conn kernel.Conn, ds []kernel.Datagram, wait func(i int) error, done func(n int), failed func(i int, err error) bool) {
	for next := 0; next < len(ds); done(next) {
		if se.waiting.Load() == 0 {
			n, err := conn.SendBatch(ds[next:])
			se.countSent(ds[next : next+n])
			if next += n; err == nil {
				continue
			}
			if done(next); err == kernel.ErrPending {
				se.s.reportICMPErrors(conn, err)
				continue
			}
			if !kernel.WouldBlock(err) {
				err = se.resend(conn, &ds[next], nil, err)
			}
			if err == nil {
				se.countSent(ds[next : next+1])
				next++
				continue
			}
			if !kernel.WouldBlock(err) {
				if !failed(next, err) {
					return
				}
				next++
				continue
			}
		}
		if err := wait(next); err == nil {
			se.countSent(ds[next : next+1])
		} else if !failed(next, err) {
			return
		}
		next++
	}
}

func (se *sender) countSent(ds []kernel.Datagram) {
	bytes := 0
	for i := range ds {
		bytes += ds[i].Len()
	}
	if len(ds) > 0 {
		se.s.count.send(len(ds), bytes)
	}
}

// outgoing is a datagram on its way to the kernel. It is reused, so that sending
// allocates nothing.
type outgoing struct {
	d    kernel.Datagram
	more [][]byte
}

var outgoingPool = sync.Pool{New: func() any { return new(outgoing) }}

func (o *outgoing) pack(r route, parts [][]byte) {
	o.d.To, o.d.From, o.d.Interface, o.d.AnySource = r.to, r.from, r.index, r.anySource
	switch len(parts) {
	case 0:
	case 1:
		o.d.Data = parts[0]
	default:
		o.d.Data = parts[0]
		o.more = append(o.more[:0], parts[1:]...)
		o.d.More = o.more
	}
}

// getOutgoing returns the cached datagram, or one from the pool.
func (se *sender) getOutgoing() *outgoing {
	if o := se.spare.Swap(nil); o != nil {
		return o
	}
	return outgoingPool.Get().(*outgoing)
}

// putOutgoing clears o and caches it, or gives it to the pool.
func (se *sender) putOutgoing(o *outgoing) {
	o.d.Data, o.d.More = nil, nil
	clear(o.more)
	if se.spare.Load() == nil {
		se.spare.Store(o)
	} else {
		outgoingPool.Put(o)
	}
}
