package multicast

import (
	"net/netip"
	"slices"
	"syscall"

	"example.com/dgram/internal/inside"
	"example.com/dgram/internal/kernel"
	"example.com/dgram/udp"
)

// Block keeps a source out of a membership for any source: the one that [Join]
// made with the same group and options. On an interface that comes later it is
// kept out too. A source that is blocked already is syscall.EADDRNOTAVAIL, one
// too many syscall.ENOBUFS with the name of the sysctl.
func Block(s *udp.Socket, group, source netip.Addr, opts ...Option) error {
	return filter(s, "block", group, source, opts, func(ms *memberships, m *Membership, source netip.Addr) error {
		if err := ms.each(m, source, kernel.Groups.Block, kernel.Groups.Unblock); err != nil {
			return explain(err, m.group, true)
		}
		m.blocked = append(m.blocked, source)
		return nil
	})
}

// Unblock lets a source in again that [Block] kept out; one that it did not is
// syscall.EADDRNOTAVAIL.
func Unblock(s *udp.Socket, group, source netip.Addr, opts ...Option) error {
	return filter(s, "unblock", group, source, opts, func(ms *memberships, m *Membership, source netip.Addr) error {
		if err := ms.each(m, source, kernel.Groups.Unblock, kernel.Groups.Block); err != nil {
			return err
		}
		m.blocked = slices.DeleteFunc(m.blocked, func(b netip.Addr) bool { return b == source })
		return nil
	})
}

// filter checks the arguments of Block and Unblock, and finds the membership.
func filter(s *udp.Socket, op string, group, source netip.Addr, opts []Option, f func(*memberships, *Membership, netip.Addr) error) error {
	in := inside.Of(s)
	if err := ended(in); err != nil {
		return err
	}
	err := func() error {
		source = source.Unmap()
		r, err := newRequest(group, opts)
		switch {
		case err != nil:
			return err
		case r.specific:
			return argErrorf(syscall.EINVAL, "source %v: only a membership for any source has sources to block", r.source)
		}
		if err := sourceFits(source, r.group); err != nil {
			return err
		}
		m, err := find(in, group, opts)
		if err != nil {
			return err
		}
		m.memberships.mu.Lock()
		defer m.memberships.mu.Unlock()
		return f(m.memberships, m, source)
	}()
	return in.OpError(op, netip.AddrPortFrom(group, 0), err)
}

// each does something on every interface of m, or on none. Where m is nowhere at
// the moment it is remembered for later.
func (ms *memberships) each(m *Membership, source netip.Addr, do, undo func(kernel.Groups, kernel.Member) error) error {
	for n, index := range m.joined {
		k := m.on(index)
		k.Source = source
		err := do(ms.groups, k)
		if err == nil {
			continue
		}
		for _, index := range m.joined[:n] {
			k.Interface = index
			_ = undo(ms.groups, k)
		}
		return err
	}
	return nil
}
