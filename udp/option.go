package udp

import (
	"context"
	"fmt"
	"net/netip"
	"syscall"
	"time"
)

// An Option configures a socket. An invalid value is the error of [New], and so of
// [Listen] and [Dial].
type Option func(*config)

// WithContext closes the socket when ctx is done; [Socket.Err] is then
// ctx's cause. It may be given several times: the first to be done counts. It is
// Node's AbortSignal.
func WithContext(ctx context.Context) Option {
	return func(c *config) {
		if ctx == nil {
			c.fail(errNilContext)
			return
		}
		c.contexts = append(c.contexts, ctx)
	}
}

// WithLookup resolves host names with f instead of [net.DefaultResolver];
// (*net.Resolver).LookupNetIP fits. The network is "ip4", "ip6", or "ip" for a
// dual-stack socket. Literal addresses never reach f. f should heed ctx, which
// is done when the socket closes.
func WithLookup(f func(ctx context.Context, network, host string) ([]netip.Addr, error)) Option {
	return func(c *config) {
		if f == nil {
			c.fail(invalid("nil lookup"))
			return
		}
		c.lookup = f
	}
}

// WithLookupCache lets [Socket.SendToHost] use the answer for a name for as long as d.
// After that the last answer is used while the name is looked up again in the
// background; a lookup that fails keeps the last answer, and is made again after d. The
// first failure is not cached. At most 1024 names are. Lookups run until the socket
// ends, also when the context of the call that started one ends earlier.
func WithLookupCache(d time.Duration) Option {
	return func(c *config) {
		if d <= 0 {
			c.fail(invalid(fmt.Sprintf("lookup cache of %v is not positive", d)))
			return
		}
		c.lookupCache = d
	}
}

// A BlockList is a set of addresses. [netip.Prefix] is one. The socket calls Contains for
// each datagram, in the goroutine that reads or sends: it has to be quick, safe for
// concurrent use, and must not call methods of the socket. It gets IPv4 addresses as
// IPv4, and addresses without zones. The set may change while the socket is open.
type BlockList interface {
	Contains(netip.Addr) bool
}

// WithReceiveBlockList drops datagrams from the addresses in list
// (Stats.DroppedBlocked).
func WithReceiveBlockList(list BlockList) Option {
	return func(c *config) {
		if list == nil {
			c.fail(invalid("nil block list"))
			return
		}
		c.receiveBlock = list
	}
}

// WithSendBlockList refuses to send or connect to the addresses in list, with
// [ErrBlocked]. A connected socket asked when it connected and does not ask again.
func WithSendBlockList(list BlockList) Option {
	return func(c *config) {
		if list == nil {
			c.fail(invalid("nil block list"))
			return
		}
		c.sendBlock = list
	}
}

// WithControl calls f with each kernel socket after it was made and before it
// is bound, as [net.ListenConfig] does: for options that this package lacks, or
// to refuse. The network is "udp4" or "udp6", the address as Bind or Connect was
// given it. An error of f is Bind's. The descriptor is f's for as long as f runs; code
// that wants to read it takes [Socket.File].
func WithControl(f func(network, address string, c syscall.RawConn) error) Option {
	return func(c *config) {
		if f == nil {
			c.fail(invalid("nil control"))
			return
		}
		c.kernel.Control = f
	}
}
