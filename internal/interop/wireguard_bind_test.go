package interop

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"

	"golang.zx2c4.com/wireguard/conn"

	"example.com/dgram/udp"
)

// A bind is wireguard-go's conn.Bind on a socket of dgram: batches both ways, and
// answers from the address that the peer asked.
type bind struct {
	mu   sync.Mutex
	s    *udp.Socket
	opts []udp.Option
}

const bindBatch = 128

func (b *bind) Open(port uint16) ([]conn.ReceiveFunc, uint16, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.s != nil {
		return nil, 0, conn.ErrBindAlreadyOpen
	}
	s, err := udp.Listen(context.Background(), "udp", netip.AddrPortFrom(netip.IPv6Unspecified(), port).String(), b.opts...)
	if err != nil {
		return nil, 0, err
	}
	b.s = s
	ms := make([]udp.Message, bindBatch)
	receive := func(packets [][]byte, sizes []int, eps []conn.Endpoint) (int, error) {
		for {
			n, err := s.ReceiveBatch(context.Background(), ms[:min(len(packets), len(ms))])
			switch {
			case errors.Is(err, net.ErrClosed):
				return 0, net.ErrClosed
			case err != nil:
				continue // the network's report about an earlier datagram
			}
			for i, m := range ms[:n] {
				sizes[i] = copy(packets[i], m.Data)
				eps[i] = &endpoint{to: m.From, from: m.To}
				m.Release()
			}
			return n, nil
		}
	}
	return []conn.ReceiveFunc{receive}, s.LocalAddr().Port(), nil
}

func (b *bind) socket() *udp.Socket {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.s
}

func (b *bind) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.s != nil {
		b.s.Close()
		b.s = nil
	}
	return nil
}

func (b *bind) SetMark(uint32) error { return nil }

func (b *bind) BatchSize() int { return bindBatch }

func (b *bind) Send(bufs [][]byte, ep conn.Endpoint) error {
	e, ok := ep.(*endpoint)
	if !ok {
		return conn.ErrWrongEndpointType
	}
	s := b.socket()
	if s == nil {
		return net.ErrClosed
	}
	ds := make([]udp.Datagram, len(bufs))
	for i, data := range bufs {
		ds[i] = udp.Datagram{Data: data, To: e.to, From: e.from}
	}
	_, err := s.SendBatch(context.Background(), ds)
	return err
}

func (b *bind) ParseEndpoint(text string) (conn.Endpoint, error) {
	to, err := netip.ParseAddrPort(text)
	return &endpoint{to: to}, err
}

// An endpoint is a peer, and the address of ours that it asked.
type endpoint struct {
	to   netip.AddrPort
	from netip.Addr
}

func (e *endpoint) ClearSrc()           { e.from = netip.Addr{} }
func (e *endpoint) SrcToString() string { return e.from.String() }
func (e *endpoint) DstToString() string { return e.to.String() }
func (e *endpoint) DstIP() netip.Addr   { return e.to.Addr() }
func (e *endpoint) SrcIP() netip.Addr   { return e.from }

func (e *endpoint) DstToBytes() []byte {
	b, _ := e.to.MarshalBinary()
	return b
}
