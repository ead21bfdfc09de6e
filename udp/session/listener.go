package session

import (
	"net"
	"net/netip"
	"sync"
)

// Listener returns a [net.Listener] whose Accept returns the Conn of the next
// session. It is for code that speaks net.Listener: each datagram is one Read.
//
// Accept takes from the same queue as [Mux.Sessions], and leaves out sessions that
// have ended while they waited. Close ends this Listener alone: not the mux, not
// its sessions, and no other Listener. After the end of the mux Accept returns
// what waits, then [net.ErrClosed] with the cause.
func (m *Mux) Listener() net.Listener {
	return &listener{mux: m, done: make(chan struct{})}
}

type listener struct {
	mux  *Mux
	once sync.Once
	done chan struct{} // closed by Close
}

func (l *listener) Accept() (net.Conn, error) {
	for {
		select {
		case <-l.done: // a closed listener takes nothing, though sessions wait
			return nil, l.mux.opError("accept", netip.AddrPort{}, net.ErrClosed)
		default:
		}
		select {
		case c, ok := <-l.mux.sessions:
			if !ok {
				return nil, l.mux.opError("accept", netip.AddrPort{}, l.mux.ending())
			}
			if !c.over.Load() {
				return c.Conn(), nil
			}
		case <-l.done:
		}
	}
}

func (l *listener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *listener) Addr() net.Addr { return net.UDPAddrFromAddrPort(l.mux.socket.LocalAddr()) }

// ending returns why no session begins any more, and nil where one may.
func (m *Mux) ending() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.phase == open {
		return nil
	}
	return endError(m.why)
}
