package udp

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"time"
)

// maxCachedNames bounds the cache of WithLookupCache.
const maxCachedNames = 1024

// lookupCache holds the addresses of names.
type lookupCache struct {
	mu    sync.Mutex
	names map[string]*cachedName
}

// cachedName is the cache entry of a name. At least one of answers and pending is set.
type cachedName struct {
	answers []netip.Addr   // of the last lookup that succeeded
	at      time.Time      // when the last lookup ended
	pending *pendingLookup // the lookup that runs
}

// pendingLookup is one lookup. Its results are set before done is closed.
type pendingLookup struct {
	done    chan struct{}
	answers []netip.Addr
	err     error
}

// lookupCached is lookupName with the cache of WithLookupCache.
func (s *Socket) lookupCached(ctx context.Context, name string) ([]netip.Addr, error) {
	if s.names == nil {
		return s.lookupName(ctx, name)
	}
	answers, pending := s.names.find(s, name)
	if pending == nil {
		return answers, nil
	}
	select {
	case <-pending.done:
		return pending.answers, pending.err
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-s.lifetime.done:
		return nil, net.ErrClosed
	}
}

// find returns the answers for a name, or the lookup to wait for. It starts a lookup if
// there is no answer, or if the answer is old.
func (c *lookupCache) find(s *Socket, name string) ([]netip.Addr, *pendingLookup) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.names[name]
	if n == nil {
		c.makeRoom()
		n = &cachedName{}
		c.names[name] = n
	}
	if n.pending == nil && (n.answers == nil || time.Since(n.at) >= s.cfg.lookupCache) {
		n.pending = &pendingLookup{done: make(chan struct{})}
		go c.lookup(s, name, n, n.pending)
	}
	if n.answers != nil {
		return n.answers, nil
	}
	return nil, n.pending
}

// makeRoom removes a name if the cache is full. The name may have a lookup that runs:
// callers that wait for it hold the lookup itself.
func (c *lookupCache) makeRoom() {
	for name := range c.names {
		if len(c.names) < maxCachedNames {
			return
		}
		delete(c.names, name)
	}
}

// lookup looks a name up, for as long as the socket lives.
func (c *lookupCache) lookup(s *Socket, name string, n *cachedName, p *pendingLookup) {
	p.answers, p.err = s.lookupName(s.lifetime, name)
	c.mu.Lock()
	defer c.mu.Unlock()
	n.pending, n.at = nil, time.Now()
	if p.err == nil {
		n.answers = p.answers
	} else if n.answers == nil && c.names[name] == n {
		delete(c.names, name)
	}
	close(p.done)
}
