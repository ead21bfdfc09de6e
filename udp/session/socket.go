package session

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"

	"example.com/dgram/internal/inside"
	"example.com/dgram/udp"
)

// Everything that the mux asks of its socket is in this file, but for the names of
// interfaces.

// take takes the stream of the socket and starts the goroutine that reads it.
func (m *Mux) take() error {
	in := inside.Of(m.socket)
	messages, err := in.TakeStream()
	if err != nil {
		return err
	}
	go m.run(in, messages)
	return nil
}

// run delivers what the socket receives until its stream ends.
func (m *Mux) run(in inside.Socket, messages any) {
	defer m.news.close()
	var end error
	if c, ok := messages.(<-chan udp.Message); ok { // udp.WithReaders
		end = m.readMessages(c)
	} else {
		end = m.readBatches(in)
	}
	if errors.Is(end, udp.ErrDrained) {
		m.finishDrain()
		return
	}
	m.shut(m.socketCause())
}

// readBatches delivers what the socket receives and returns why there is no more.
func (m *Mux) readBatches(in inside.Socket) error {
	batch := make([]udp.Message, batchSize)
	for {
		n, err := in.ReceiveBatch(context.Background(), &batch)
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
func (m *Mux) readMessages(messages <-chan udp.Message) error {
	for d := range messages {
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
