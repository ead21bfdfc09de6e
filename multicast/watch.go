package multicast

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"example.com/dgram/internal/watch"
)

// settleTime is how long the interfaces must have been unchanged before an
// interface that cannot be joined is reported: an interface that has just come up
// may not be ready.
const settleTime = time.Second

// startWatcher starts the goroutine that watches the interfaces. A socket has one,
// in its errgroup, while a membership is held to a name or to all interfaces. The
// watcher is made before the interfaces are listed, so that no change between the
// two is missed. The caller holds mu.
func (ms *memberships) startWatcher() error {
	if ms.stop != nil {
		return nil
	}
	w := ms.open()
	ctx, stop := context.WithCancel(context.Background())
	ms.stop, ms.wake = stop, func() {}
	started := ms.in.Go(func(life context.Context) error {
		defer context.AfterFunc(life, stop)()
		ms.watch(ctx, w)
		return nil
	})
	if !started {
		stop()
		ms.stop = nil
		w.Close()
		return net.ErrClosed
	}
	return nil
}

// watch follows the interfaces until ctx is done. A Watcher that fails is
// reported, and replaced by one that polls.
func (ms *memberships) watch(ctx context.Context, w watch.Watcher) {
	for {
		c, err := ms.wait(ctx, w)
		switch {
		case ctx.Err() != nil:
			w.Close()
			return
		case err == nil:
			ms.changed(c)
		case errors.Is(err, context.DeadlineExceeded):
			ms.settled()
		case !errors.Is(err, context.Canceled): // else wake has ended the wait
			ms.in.Report(ms.in.OpError("watch", netip.AddrPort{}, err))
			w.Close()
			w = pollOf(ms.in)
		}
	}
}

// wait waits for a change, but no longer than settleTime if a report is due.
func (ms *memberships) wait(ctx context.Context, w watch.Watcher) (watch.Change, error) {
	ms.mu.Lock()
	if ctx.Err() != nil { // then wake belongs to another watcher
		ms.mu.Unlock()
		return watch.Change{}, ctx.Err()
	}
	call, wake := context.WithCancel(ctx)
	defer wake()
	ms.wake = wake
	if ms.due() {
		var cancel context.CancelFunc
		call, cancel = context.WithTimeout(call, settleTime)
		defer cancel()
	}
	ms.mu.Unlock()
	return w.Wait(call)
}

// due reports whether a membership could not be joined somewhere and that was not
// reported.
func (ms *memberships) due() bool {
	return slices.ContainsFunc(ms.list, func(m *Membership) bool {
		for _, reported := range m.failed {
			if !reported {
				return true
			}
		}
		return false
	})
}

// changed adapts the memberships to a change. A deleted interface has lost its
// memberships, also if it exists again.
func (ms *memberships) changed(c watch.Change) {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	ms.known = c.Interfaces
	for _, index := range c.Deleted {
		for _, m := range ms.list {
			if i := slices.Index(m.joined, index); i >= 0 {
				m.joined = slices.Delete(m.joined, i, i+1)
				_ = ms.groups.Drop(m.on(index)) // or it would count towards the limit
			}
			delete(m.failed, index)
		}
	}
	ms.reconcile()
}

// settled reports the interfaces that still cannot be joined.
func (ms *memberships) settled() {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	for _, m := range ms.list {
		ms.report(m)
	}
}

// reconcile joins every membership where it is wanted. The caller holds mu.
func (ms *memberships) reconcile() {
	for _, m := range ms.list {
		switch {
		case m.iface.all:
			ms.tryAll(m)
		case m.iface.name != "":
			ms.follow(m)
		}
	}
}

// tryAll joins m on every interface that it wants, and returns the errors.
func (ms *memberships) tryAll(m *Membership) (failures []error) {
	for _, i := range ms.known {
		if !m.wants(i) || slices.Contains(m.joined, i.Index) || ms.shared(m, i.Index) {
			continue
		}
		if err := ms.try(m, i); err != nil {
			failures = append(failures, err)
		}
	}
	return failures
}

// follow moves m to the interface that has its name now. An interface that was
// renamed keeps m until another has the name.
func (ms *memberships) follow(m *Membership) {
	n := slices.IndexFunc(ms.known, m.wants)
	if n < 0 || slices.Contains(m.joined, ms.known[n].Index) {
		return
	}
	for len(m.joined) > 0 {
		_ = ms.leaveOn(m, m.joined[0])
	}
	m.iface.index = ms.known[n].Index
	_ = ms.try(m, ms.known[n]) // a failure is remembered
}

// try joins m on an interface, and remembers a failure.
func (ms *memberships) try(m *Membership, i interfaceState) error {
	err := ms.joinOn(m, i.Index)
	if err == nil || ms.name(i.Index) == "" { // deleted already: a change will report that
		delete(m.failed, i.Index)
		return nil
	}
	if m.failed == nil {
		m.failed = map[int]bool{}
	}
	if _, known := m.failed[i.Index]; !known {
		m.failed[i.Index] = false // not reported yet
	}
	return fmt.Errorf("interface %s: %w", i.Name, err)
}

// report reports the interfaces on which m could not be joined, each once. The
// error is that of another try.
func (ms *memberships) report(m *Membership) {
	for _, i := range ms.known {
		if reported, failed := m.failed[i.Index]; !failed || reported || !m.wants(i) {
			continue
		}
		m.failed[i.Index] = true
		if err := ms.try(m, i); err != nil && !errors.Is(err, net.ErrClosed) {
			ms.in.Report(ms.in.OpError("join", netip.AddrPortFrom(m.group, 0), err))
		}
	}
	for index, reported := range m.failed {
		if !reported {
			m.failed[index] = true // the interface was deleted, or is no longer wanted
		}
	}
}
