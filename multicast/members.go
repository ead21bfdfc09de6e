package multicast

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"syscall"

	"example.com/dgram/internal/inside"
	"example.com/dgram/internal/kernel"
	"example.com/dgram/internal/watch"
)

type interfaceState = watch.Interface

// members is what a socket has joined. The kernel does not tell, so it is
// remembered, and remembered by what was meant rather than by what it came to:
// interfaces come and go.
type members struct {
	in   inside.Socket
	open func() watch.Watcher // watch.Open, but for tests

	mu       sync.Mutex
	groups   kernel.Groups    // once the socket is bound
	list     []*Membership    // in the order of Join
	known    []interfaceState // the interfaces that there are, as far as is known
	outgoing int              // the index that SetInterface set, for kernels that do not tell

	stop context.CancelFunc // ends the watcher; nil while there is none
	wake context.CancelFunc // makes the watcher look at its work
}

// key is where a socket keeps its members.
type key struct{}

func membersOf(in inside.Socket) *members {
	return in.Attached(key{}, func() any { return &members{in: in, open: watch.Open} }).(*members)
}

func groupsOf(ep inside.Endpoint) kernel.Groups {
	return kernel.GroupsOf(ep.Conn.SyscallConn(), ep.Network, ep.Dual)
}

// join does what m says and remembers it, or does nothing.
func (ms *members) join(ep inside.Endpoint, m *Membership) error {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	ms.groups = groupsOf(ep)
	if err := ms.clash(m); err != nil {
		return err
	}
	if m.at.held() {
		if err := ms.attend(); err != nil {
			return err
		}
	}
	ms.list = append(ms.list, m)
	var err error
	if m.at.all {
		err = ms.joinAll(m)
	} else {
		err = ms.enter(m, m.at.index)
	}
	if err != nil {
		m.over = true
		ms.forget(m)
	}
	return err
}

// clash says why m cannot be joined beside what is joined already, where the
// kernel would not.
func (ms *members) clash(m *Membership) error {
	for _, o := range ms.list {
		switch {
		case !m.sibling(o):
		case m.at.all && o.at.all && m.source == o.source:
			return wrong(m.again(), "group %v is joined on every interface already", m.group)
		case m.at.chosen() && m.source.IsValid() && !o.source.IsValid():
			// The interface that the system is about to choose may be o's.
			return wrong(syscall.EINVAL, "group %v is joined for any source", m.group)
		}
	}
	return nil
}

// joinAll joins every interface that there is. If some could be joined, the
// watcher tries the others once more before it reports them.
func (ms *members) joinAll(m *Membership) error {
	now, err := watch.Now()
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

// covered tells whether the group is heard anywhere on behalf of m.
func (ms *members) covered(m *Membership) bool {
	return len(m.joined) > 0 || slices.ContainsFunc(ms.known, func(i interfaceState) bool {
		return m.wants(i) && ms.shared(m, i.Index)
	})
}

// enter joins on one interface.
func (ms *members) enter(m *Membership, index int) error {
	more := false // the group has sources there already
	for _, o := range ms.list {
		if m.sibling(o) && slices.Contains(o.joined, index) {
			if m.source.IsValid() && !o.source.IsValid() {
				// Linux would turn o into a membership for this source.
				return wrong(syscall.EINVAL, "group %v is joined for any source", m.group)
			}
			more = true
		}
	}
	k := m.on(index)
	if err := ms.groups.Join(k); err != nil {
		if m.source.IsValid() && !more && !ms.siblings(m, index) && !errors.Is(err, syscall.EADDRNOTAVAIL) {
			_ = ms.groups.Drop(k) // Linux joins first and looks at the source then
		}
		return explain(err, m.group, more)
	}
	if index == 0 {
		index = ms.choice(m)
	}
	m.joined = append(m.joined, index)
	for _, source := range m.blocked {
		k.Source = source
		if err := ms.groups.Block(k); err != nil {
			ms.part(m, index)
			return explain(err, m.group, true)
		}
	}
	return nil
}

// siblings tells whether others are in m's group where the system chooses.
func (ms *members) siblings(m *Membership, index int) bool {
	return index == 0 && slices.ContainsFunc(ms.list, m.sibling)
}

// choice is the interface that the system has chosen for m, or 0 if it does not
// tell: the one that is joined and nobody else's, or that of a sibling for which
// the system chose too.
func (ms *members) choice(m *Membership) int {
	now, _ := watch.Now() // without, there is no telling
	choice := 0
	for _, i := range now {
		if !ms.groups.Joined(m.on(i.Index)) {
			continue
		}
		owner := slices.IndexFunc(ms.list, func(o *Membership) bool {
			return m.sibling(o) && slices.Contains(o.joined, i.Index)
		})
		if owner < 0 {
			return i.Index
		}
		if m.source.IsValid() && ms.list[owner].at.chosen() {
			choice = i.Index
		}
	}
	return choice
}

// shared tells whether another membership hears for m on an interface.
func (ms *members) shared(m *Membership, index int) bool {
	return slices.ContainsFunc(ms.list, func(o *Membership) bool {
		return m.sibling(o) && m.source == o.source && slices.Contains(o.joined, index)
	})
}

// leave ends m, and lets memberships of every interface have what it was on.
func (ms *members) leave(m *Membership) error {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	if m.over {
		return nil
	}
	m.over = true
	var err error
	for len(m.joined) > 0 {
		err = errors.Join(err, ms.part(m, m.joined[0]))
	}
	ms.forget(m)
	ms.reconcile()
	return err
}

// part leaves on one interface. That it has gone, or the socket, is as good.
func (ms *members) part(m *Membership, index int) error {
	m.joined = slices.DeleteFunc(m.joined, func(i int) bool { return i == index })
	if index != 0 && ms.name(index) == "" {
		_ = ms.groups.Drop(m.on(index)) // or the kernel goes on counting it
		return nil
	}
	err := ms.groups.Leave(m.on(index))
	if errors.Is(err, net.ErrClosed) || errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.ENODEV) {
		return nil
	}
	return err
}

// forget takes m off the list, and ends the watcher if nobody needs it.
func (ms *members) forget(m *Membership) {
	ms.list = slices.DeleteFunc(ms.list, func(o *Membership) bool { return o == m })
	needed := slices.ContainsFunc(ms.list, func(o *Membership) bool { return o.at.held() })
	if ms.stop != nil && !needed {
		ms.stop()
		ms.stop = nil
	}
}

// name is the name of an interface, "" where it has gone.
func (ms *members) name(index int) string {
	if index == 0 {
		return ""
	}
	return ms.groups.Name(index)
}
