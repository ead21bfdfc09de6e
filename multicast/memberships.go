package multicast

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"

	"example.com/dgram/internal/inside"
	"example.com/dgram/internal/kernel"
	"example.com/dgram/internal/posix"
	"example.com/dgram/internal/watch"
	"example.com/dgram/multicast/internal/sockopt"
)

type interfaceState = watch.Interface

// memberships are the groups that a socket has joined. They are kept here because
// the kernel does not list them, and as the user named them, because interfaces are
// deleted and made again.
type memberships struct {
	in   inside.Socket
	open func() watch.Watcher // makes a watcher; tests replace it

	mu       sync.Mutex
	groups   kernel.Groups    // once the socket is bound
	list     []*Membership    // in the order of Join
	known    []interfaceState // the interfaces, when they were last listed
	outgoing int              // the index that SetInterface set, for kernels that do not report it

	stop context.CancelFunc // ends the watcher; nil while there is none
	wake context.CancelFunc // makes the watcher look for something to do
}

// key is the key of a socket's memberships.
type key struct{}

func membershipsOf(in inside.Socket) *memberships {
	return in.Attached(key{}, func() any { return &memberships{in: in, open: watcherOf(in)} }).(*memberships)
}

func groupsOf(ep inside.Endpoint) kernel.Groups {
	if c, ok := ep.Conn.(kernel.GroupConn); ok {
		return c.Groups()
	}
	return sockopt.Of(ep.Conn, ep.Network, ep.Dual)
}

// join joins m and adds it to the list. If it fails nothing has changed.
func (ms *memberships) join(ep inside.Endpoint, m *Membership) error {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	ms.groups = groupsOf(ep)
	if err := ms.clash(m); err != nil {
		return err
	}
	if m.iface.followed() {
		if err := ms.startWatcher(); err != nil {
			return err
		}
	}
	ms.list = append(ms.list, m)
	var err error
	if m.iface.all {
		err = ms.joinAll(m)
	} else {
		err = ms.joinOn(m, m.iface.index)
	}
	if err != nil {
		m.left = true
		ms.forget(m)
	}
	return err
}

// clash returns an error if m cannot be joined beside the present memberships, in
// cases that the kernel does not refuse.
func (ms *memberships) clash(m *Membership) error {
	for _, o := range ms.list {
		switch {
		case !m.sameGroup(o):
		case m.iface.all && o.iface.all && m.source == o.source:
			return argErrorf(m.duplicateErrno(), "group %v is joined on every interface already", m.group)
		case m.iface.bySystem() && m.source.IsValid() && !o.source.IsValid():
			// The interface that the system is about to choose may be o's.
			return argErrorf(posix.EINVAL, "group %v is joined for any source", m.group)
		}
	}
	return nil
}

// joinAll joins on every interface. If that succeeds on some, the watcher tries the
// others once more before it reports them.
func (ms *memberships) joinAll(m *Membership) error {
	now, err := interfacesOf(ms.in)
	if err != nil {
		return err
	}
	ms.known = now
	failures := ms.tryAll(m)
	if len(failures) > 0 && !ms.covered(m) {
		return errors.Join(failures...)
	}
	if len(failures) > 0 {
		ms.wake()
	}
	return nil
}

// covered reports whether the group of m is joined on any interface.
func (ms *memberships) covered(m *Membership) bool {
	return len(m.joined) > 0 || slices.ContainsFunc(ms.known, func(i interfaceState) bool {
		return m.wants(i) && ms.shared(m, i.Index)
	})
}

// joinOn joins on one interface.
func (ms *memberships) joinOn(m *Membership, index int) error {
	more := false // the group has sources there already
	for _, o := range ms.list {
		if m.sameGroup(o) && slices.Contains(o.joined, index) {
			if m.source.IsValid() && !o.source.IsValid() {
				// Linux would turn o into a membership for this source.
				return argErrorf(posix.EINVAL, "group %v is joined for any source", m.group)
			}
			more = true
		}
	}
	k := m.on(index)
	if err := ms.groups.Join(k); err != nil {
		if m.source.IsValid() && !more && !ms.othersJoined(m, index) && !errors.Is(err, posix.EADDRNOTAVAIL) {
			_ = ms.groups.Drop(k) // Linux has joined before it checks the source
		}
		if errors.Is(err, m.duplicateErrno()) && ms.joinedOn(m, index) {
			return &joinedError{m.group, m.source, err}
		}
		return explain(err, m.group, more)
	}
	if index == 0 {
		index = ms.systemChoice(m)
	}
	m.joined = append(m.joined, index)
	for _, source := range m.blocked {
		k.Source = source
		if err := ms.groups.Block(k); err != nil {
			_ = ms.leaveOn(m, index) // the error of Block is the one to report
			return explain(err, m.group, true)
		}
	}
	return nil
}

// joinedOn reports whether a membership equal to m is joined on an interface, or may be
// because the system chooses it.
func (ms *memberships) joinedOn(m *Membership, index int) bool {
	return slices.ContainsFunc(ms.list, func(o *Membership) bool {
		return m.sameGroup(o) && m.source == o.source && (index == 0 || slices.Contains(o.joined, index))
	})
}

// othersJoined reports whether another membership of the group of m exists, where
// the system chooses the interface.
func (ms *memberships) othersJoined(m *Membership, index int) bool {
	return index == 0 && slices.ContainsFunc(ms.list, m.sameGroup)
}

// systemChoice returns the interface that the system has chosen for m, or 0 if the
// system does not report it. The choice is an interface on which the group is
// joined and no other membership is, or that of another membership for which the
// system chose.
func (ms *memberships) systemChoice(m *Membership) int {
	now, _ := interfacesOf(ms.in) // without a list, the choice is unknown
	choice := 0
	for _, i := range now {
		if !ms.groups.Joined(m.on(i.Index)) {
			continue
		}
		owner := slices.IndexFunc(ms.list, func(o *Membership) bool {
			return m.sameGroup(o) && slices.Contains(o.joined, i.Index)
		})
		if owner < 0 {
			return i.Index
		}
		if m.source.IsValid() && ms.list[owner].iface.bySystem() {
			choice = i.Index
		}
	}
	return choice
}

// shared reports whether another membership equal to m is joined on an interface.
func (ms *memberships) shared(m *Membership, index int) bool {
	return slices.ContainsFunc(ms.list, func(o *Membership) bool {
		return m.sameGroup(o) && m.source == o.source && slices.Contains(o.joined, index)
	})
}

// leave ends m. Where m was joined, it joins the memberships that cover every
// interface.
func (ms *memberships) leave(m *Membership) error {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	if m.left {
		return nil
	}
	m.left = true
	var err error
	for len(m.joined) > 0 {
		err = errors.Join(err, ms.leaveOn(m, m.joined[0]))
	}
	ms.forget(m)
	ms.reconcile()
	return err
}

// leaveOn leaves on one interface. It returns nil if the interface or the socket is
// closed.
func (ms *memberships) leaveOn(m *Membership, index int) error {
	m.joined = slices.DeleteFunc(m.joined, func(i int) bool { return i == index })
	if index != 0 && ms.name(index) == "" {
		_ = ms.groups.Drop(m.on(index)) // or it would count towards the limit
		return nil
	}
	err := ms.groups.Leave(m.on(index))
	if errors.Is(err, net.ErrClosed) || errors.Is(err, posix.EADDRNOTAVAIL) || errors.Is(err, posix.ENODEV) {
		return nil
	}
	return err
}

// forget removes m from the list, and ends the watcher if no membership needs it.
func (ms *memberships) forget(m *Membership) {
	ms.list = slices.DeleteFunc(ms.list, func(o *Membership) bool { return o == m })
	needed := slices.ContainsFunc(ms.list, func(o *Membership) bool { return o.iface.followed() })
	if ms.stop != nil && !needed {
		ms.stop()
		ms.stop = nil
	}
}

// name returns the name of an interface, or "" if it was deleted.
func (ms *memberships) name(index int) string {
	if index == 0 {
		return ""
	}
	return ms.groups.Name(index)
}
