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

// settleTime is how long nothing must have changed before an interface that cannot
// be joined is worth a report: one that has just come up may not be ready.
const settleTime = time.Second

// startWatcher starts the goroutine that watches the interfaces: one for a socket, in its errgroup, for as long as a membership is held to a name or to
// all of them. It is there before the interfaces are looked at, so that nothing
// is missed in between. The caller holds mu.
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
		case !errors.Is(err, context.Canceled): // else it was woken
			ms.in.Report(ms.in.OpError("watch", netip.AddrPort{}, err))
			w.Close()
			w = pollOf(ms.in)
		}
	}
}

// wait waits for a change; for no longer than it takes to settle, if a report
// is due then.
func (ms *memberships) wait(ctx context.Context, w watch.Watcher) (watch.Change, error) {
	ms.mu.Lock()
	if ctx.Err() != nil { // then wake is another watcher's
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

// due reports whether something could not be joined and was not reported.
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

// changed follows a change. Memberships on an interface that was deleted are
// gone, whether it is there again or not.
func (ms *memberships) changed(c watch.Change) {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	ms.known = c.Interfaces
	for _, index := range c.Deleted {
		for _, m := range ms.list {
			if i := slices.Index(m.joined, index); i >= 0 {
				m.joined = slices.Delete(m.joined, i, i+1)
				_ = ms.groups.Drop(m.on(index)) // or the kernel goes on counting it
			}
			delete(m.failed, index)
		}
	}
	ms.reconcile()
}

// settled reports what still cannot be joined.
func (ms *memberships) settled() {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	for _, m := range ms.list {
		ms.report(m)
	}
}

// reconcile brings what is joined in line with what is meant. The caller holds
// mu.
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

// tryAll joins m wherever it is wanted, and returns what went wrong.
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

// follow moves m to the interface that has its name now. One that was renamed
// keeps it until another has the name.
func (ms *memberships) follow(m *Membership) {
	n := slices.IndexFunc(ms.known, m.wants)
	if n < 0 || slices.Contains(m.joined, ms.known[n].Index) {
		return
	}
	for len(m.joined) > 0 {
		_ = ms.leaveOn(m, m.joined[0])
	}
	m.iface.index = ms.known[n].Index
	_ = ms.try(m, ms.known[n]) // what fails is remembered
}

// try joins m on an interface, and remembers if that fails.
func (ms *memberships) try(m *Membership, i interfaceState) error {
	err := ms.joinOn(m, i.Index)
	if err == nil || ms.name(i.Index) == "" { // gone already: there will be news of it
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

// report reports where m could not be joined, each interface once. The error is
// that of trying again.
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
			m.failed[index] = true // it has gone, or is not wanted any more
		}
	}
}
