package session

import "net/netip"

// A table finds sessions by peer and local address. Sessions of one peer at
// several local addresses are a list: there are few of them.
type table struct {
	byPeer map[netip.AddrPort]*Session
	n      int
}

// find returns the session of a datagram from peer to local. A session of
// [Mux.Open] that has no local address yet matches where no other does.
func (t *table) find(peer netip.AddrPort, local netip.Addr) *Session {
	var open *Session
	for c := t.byPeer[peer]; c != nil; c = c.sibling {
		if c.local == local && c.knowsLocal() {
			return c
		}
		if !c.knowsLocal() {
			open = c
		}
	}
	return open
}

// lookup is find for the exported methods, in which local may be left out.
func (t *table) lookup(peer netip.AddrPort, local netip.Addr) *Session {
	c := t.byPeer[peer]
	for c != nil && local.IsValid() && (!c.knowsLocal() || c.local != local) {
		c = c.sibling
	}
	return c
}

func (t *table) add(c *Session) {
	c.sibling = t.byPeer[c.peer]
	t.byPeer[c.peer] = c
	t.n++
}

func (t *table) remove(c *Session) {
	first := t.byPeer[c.peer]
	switch {
	case first == c && c.sibling == nil:
		delete(t.byPeer, c.peer)
	case first == c:
		t.byPeer[c.peer] = c.sibling
	default:
		for first.sibling != c {
			first = first.sibling
		}
		first.sibling = c.sibling
	}
	c.sibling = c // it is removed
	t.n--
}

// all returns every session, as there are now.
func (t *table) all() []*Session {
	sessions := make([]*Session, 0, t.n)
	for _, c := range t.byPeer {
		for ; c != nil; c = c.sibling {
			sessions = append(sessions, c)
		}
	}
	return sessions
}
