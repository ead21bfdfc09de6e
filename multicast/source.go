package multicast

import (
	"net/netip"
	"slices"

	"example.com/dgram/internal/inside"
	"example.com/dgram/internal/kernel"
	"example.com/dgram/internal/posix"
	"example.com/dgram/udp"
)

// Block excludes a source from a membership for any source: the one that [Join]
// made with the same group and options. It also excludes the source on interfaces
// that are joined later. A source that is blocked already is syscall.EADDRNOTAVAIL.
// One source too many is syscall.ENOBUFS with the name of the sysctl.
func Block(s *udp.Socket, group, source netip.Addr, opts ...Option) error {
	return filter(s, "block", group, source, opts, (*memberships).block)
}

// Unblock ends [Block] for a source. A source that is not blocked is
// syscall.EADDRNOTAVAIL.
func Unblock(s *udp.Socket, group, source netip.Addr, opts ...Option) error {
	return filter(s, "unblock", group, source, opts, (*memberships).unblock)
}

// block excludes a source from m. The caller holds mu.
func (ms *memberships) block(m *Membership, source netip.Addr) error {
	if err := ms.each(m, source, kernel.Groups.Block, kernel.Groups.Unblock); err != nil {
		return explain(err, m.group, true)
	}
	m.blocked = append(m.blocked, source)
	return nil
}

// unblock ends block. The caller holds mu.
func (ms *memberships) unblock(m *Membership, source netip.Addr) error {
	if err := ms.each(m, source, kernel.Groups.Unblock, kernel.Groups.Block); err != nil {
		return err
	}
	m.blocked = slices.DeleteFunc(m.blocked, func(b netip.Addr) bool { return b == source })
	return nil
}

// A sourceFilter changes the sources of a membership.
type sourceFilter func(ms *memberships, m *Membership, source netip.Addr) error

// filter applies f to the membership that the arguments of Block and Unblock name.
func filter(s *udp.Socket, op string, group, source netip.Addr, opts []Option, f sourceFilter) error {
	in := inside.Of(s)
	if err := ended(in); err != nil {
		return err
	}
	r, err := newRequest(in, group, opts)
	if err == nil && r.specific {
		err = anySourceOnly(r.source)
	}
	if err == nil {
		err = sourceFits(in, source.Unmap(), r.group)
	}
	var m *Membership
	if err == nil {
		m, err = find(in, group, opts)
	}
	if err != nil {
		return in.OpError(op, netip.AddrPortFrom(group, 0), err)
	}
	return m.filter(op, source, f)
}

// filter checks the source and applies f.
func (m *Membership) filter(op string, source netip.Addr, f sourceFilter) error {
	ms := m.memberships
	err := ended(ms.in)
	if err != nil {
		return err
	}
	source = source.Unmap()
	ms.mu.Lock()
	defer ms.mu.Unlock()
	switch {
	case m.left:
		err = argErrorf(posix.EADDRNOTAVAIL, "group %v was left", m.group)
	case m.source.IsValid():
		err = anySourceOnly(m.source)
	default:
		if err = sourceFits(ms.in, source, m.group); err == nil {
			err = f(ms, m, source)
		}
	}
	return ms.in.OpError(op, netip.AddrPortFrom(m.group, 0), err)
}

func anySourceOnly(source netip.Addr) error {
	return argErrorf(posix.EINVAL, "source %v: only a membership for any source has sources to block", source)
}

// each calls do for every interface of m. If one call fails, it calls undo for
// those before. If m is joined nowhere at the moment, the change is kept for later.
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
