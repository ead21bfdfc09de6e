package session

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"

	"example.com/dgram/udp"
)

// Everything that the mux asks of its socket is in this file, but for the names of
// interfaces.

// take takes the stream of the socket and starts the goroutine that reads it.
//
// The goroutine stays in one loop of Socket.All for as long as it reads, because
// a socket has one such loop at a time: every other reader finds that the stream
// is taken. take returns when the loop has begun, or was refused.
func (m *Mux) take() error {
	begun := make(chan error, 1)
	go m.run(&beginning{Context: context.Background(), begun: begun})
	return <-begun
}

// run delivers what the socket receives until its stream ends.
func (m *Mux) run(ctx *beginning) {
	defer m.news.close()
	var end error
	for d, err := range m.socket.All(ctx) {
		if err == nil {
			ctx.begin(nil) // what earlier readers have left comes before the first wait
			m.deliver([]udp.Message{d})
			end = m.readBatches(ctx) // what a loop's body reads is one stream with the loop
			break
		}
		if errors.Is(err, errors.ErrUnsupported) && ctx.begin(nil) {
			end = m.readMessages() // udp.WithReaders
			break
		}
		if ctx.begin(err) {
			m.shut(err) // the stream is taken; New returns err
			return
		}
		m.report(err)
	}
	ctx.begin(nil)
	if end == nil { // the loop has ended: the next read tells why
		end = m.readBatches(ctx)
	}
	if errors.Is(end, udp.ErrDrained) {
		m.finishDrain()
		return
	}
	m.shut(m.socketCause())
}

// readBatches delivers what the socket receives and returns why there is no more.
func (m *Mux) readBatches(ctx context.Context) error {
	batch := make([]udp.Message, batchSize)
	for {
		n, err := m.socket.ReceiveBatch(ctx, batch)
		switch {
		case err == nil:
			m.deliver(batch[:n])
			clear(batch[:n]) // the sessions have them now
		case errors.Is(err, net.ErrClosed):
			return err
		default:
			m.report(err)
		}
	}
}

// readMessages is readBatches for a socket that has to be read by its channel.
func (m *Mux) readMessages() error {
	for d := range m.socket.Messages() {
		m.deliver([]udp.Message{d})
	}
	over, cancel := context.WithCancel(context.Background())
	cancel()
	if err := m.socket.Drain(over); errors.Is(err, net.ErrClosed) {
		return err
	}
	return udp.ErrDrained // the channel is closed, and the socket is not
}

// socketCause is why the socket has ended.
func (m *Mux) socketCause() error {
	if cause := m.socket.Err(); cause != nil {
		return cause
	}
	return net.ErrClosed
}

// beginning is a context that is never done. Socket.All asks for its channel once
// it has the stream.
type beginning struct {
	context.Context
	once  sync.Once
	begun chan<- error
}

// begin reports the first outcome to take, and whether this is it.
func (b *beginning) begin(err error) (first bool) {
	b.once.Do(func() {
		first = true
		b.begun <- err
	})
	return first
}

func (b *beginning) Done() <-chan struct{} {
	b.begin(nil)
	return nil
}

func (b *beginning) Err() error { return nil }

// transmit sends one datagram to the peer of c, from the address that it asked.
func (m *Mux) transmit(ctx context.Context, c *Session, parts [][]byte) error {
	if to := m.socket.RemoteAddr(); to.IsValid() && to != c.peer {
		return c.opError("send", udp.ErrAlreadyConnected)
	}
	if !c.knowsLocal() {
		return m.socket.Reply(ctx, udp.Message{From: c.peer}, parts...)
	}
	return m.socket.Reply(ctx, udp.Message{From: c.peer, To: c.local, Interface: int(c.device)}, parts...)
}

// opError puts err into the shape of net's errors.
func (m *Mux) opError(op string, peer netip.AddrPort, err error) error {
	e := &net.OpError{Op: op, Net: m.socket.Network(), Err: err}
	if local := m.socket.LocalAddr(); local.IsValid() {
		e.Source = net.UDPAddrFromAddrPort(local)
	}
	if peer.IsValid() {
		e.Addr = net.UDPAddrFromAddrPort(peer)
	}
	return e
}

// news is the errors that belong to no call.
type news struct {
	mu     sync.Mutex
	c      chan error
	closed bool
}

func (n *news) close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.closed = true
	close(n.c)
}

// report puts err on Errors where there is room.
func (m *Mux) report(err error) {
	m.news.mu.Lock()
	defer m.news.mu.Unlock()
	if m.news.closed {
		return
	}
	select {
	case m.news.c <- err:
	default:
	}
}
