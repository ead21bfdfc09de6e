package interop

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/hashicorp/memberlist"

	"example.com/dgram/udp"
)

// A gossip is memberlist's transport with its packets on a socket of dgram, and its
// streams on TCP at the same port.
type gossip struct {
	s       *udp.Socket
	tcp     net.Listener
	packets chan *memberlist.Packet
	streams chan net.Conn
	ended   chan struct{}
}

func newGossip(t testing.TB) *gossip {
	t.Helper()
	tcp := must[net.Listener](t)(net.Listen("tcp4", "127.0.0.1:0"))
	g := &gossip{
		s: listen(t, "udp4", tcp.Addr().String()), tcp: tcp,
		packets: make(chan *memberlist.Packet), streams: make(chan net.Conn), ended: make(chan struct{}),
	}
	go g.receive()
	go g.accept()
	return g
}

func (g *gossip) receive() {
	for m := range g.s.Messages() {
		from := net.UDPAddrFromAddrPort(m.From)
		select {
		case g.packets <- &memberlist.Packet{Buf: m.Data, From: from, Timestamp: time.Now()}:
		case <-g.s.Done():
			return
		}
	}
}

func (g *gossip) accept() {
	defer close(g.ended)
	for {
		c, err := g.tcp.Accept()
		if err != nil {
			return
		}
		select {
		case g.streams <- c:
		case <-g.s.Done():
			c.Close()
		}
	}
}

func (g *gossip) FinalAdvertiseAddr(string, int) (net.IP, int, error) {
	return net.IPv4(127, 0, 0, 1), int(g.s.LocalAddr().Port()), nil
}

func (g *gossip) WriteTo(b []byte, addr string) (time.Time, error) {
	now := time.Now()
	return now, g.s.SendToHost(context.Background(), addr, b)
}

func (g *gossip) PacketCh() <-chan *memberlist.Packet { return g.packets }

func (g *gossip) DialTimeout(addr string, timeout time.Duration) (net.Conn, error) {
	return net.DialTimeout("tcp4", addr, timeout)
}

func (g *gossip) StreamCh() <-chan net.Conn { return g.streams }

func (g *gossip) Shutdown() error {
	err := errors.Join(g.s.Close(), g.tcp.Close())
	<-g.ended
	return err
}

func TestMemberlistGossipsOverOurTransport(t *testing.T) {
	const size = 3
	var lists []*memberlist.Memberlist
	var first string
	for i := range size {
		cfg := memberlist.DefaultLocalConfig()
		cfg.Name, cfg.Logger = "node"+strconv.Itoa(i), log.New(io.Discard, "", 0)
		g := newGossip(t)
		cfg.Transport = g
		list := must[*memberlist.Memberlist](t)(memberlist.Create(cfg))
		lists = append(lists, list)
		if i == 0 {
			first = g.s.LocalAddr().String()
			continue
		}
		if n, err := list.Join([]string{first}); n != 1 || err != nil {
			t.Fatalf("joined %d, %v", n, err)
		}
	}
	for end := time.Now().Add(soon); ; time.Sleep(10 * time.Millisecond) {
		known := 0
		for _, l := range lists {
			known += l.NumMembers()
		}
		if known == size*size {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("they know %d of %d members", known, size*size)
		}
	}
	for _, l := range lists {
		if err := l.Shutdown(); err != nil {
			t.Error(err)
		}
	}
}
