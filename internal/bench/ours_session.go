package main

import (
	"context"
	"fmt"
	"net/netip"

	"example.com/dgram/udp"
	"example.com/dgram/udp/session"
)

// servePeers is the role peers: a server on one socket, whose consumers call got for each
// datagram. It says where it listens.
func servePeers(variant string, at netip.AddrPort, every int) error {
	serve, ok := map[string]func(netip.AddrPort, func(int)) (netip.AddrPort, error){
		"messages":         messagesMany,
		"sessions":         sessionsServer,
		"sessions-receive": receivesServer,
		"pion":             pionServer,
	}[variant]
	if !ok {
		return fmt.Errorf("no variant %q", variant)
	}
	m := &sharedMeter{every: int64(every)}
	local, err := serve(at, m.add)
	if err != nil {
		return err
	}
	ready(int64(local.Port()))
	obey(func(string, int) {})
	return nil
}

// openMux makes a mux and gives each session to a goroutine.
func openMux(at netip.AddrPort, serve func(*session.Session)) (netip.AddrPort, error) {
	s, err := udp.Listen(context.Background(), network(at.Addr()), at.String(), udp.WithReadBuffer(4<<20))
	if err != nil {
		return netip.AddrPort{}, err
	}
	m, err := session.New(s)
	if err != nil {
		return netip.AddrPort{}, err
	}
	go func() {
		for c := range m.Sessions() {
			go serve(c)
		}
	}()
	return s.LocalAddr(), nil
}

// sessionsServer reads each session by its channel.
func sessionsServer(at netip.AddrPort, got func(n int)) (netip.AddrPort, error) {
	return openMux(at, func(c *session.Session) {
		for msg := range c.Messages() {
			got(len(msg.Data))
			msg.Release()
		}
	})
}

// receivesServer reads each session by calls.
func receivesServer(at netip.AddrPort, got func(n int)) (netip.AddrPort, error) {
	return openMux(at, func(c *session.Session) {
		for {
			msg, err := c.Receive(context.Background())
			if err != nil {
				return
			}
			got(len(msg.Data))
			msg.Release()
		}
	})
}

// tellSession is the role session: "ready <bytes of heap>" for each of count sessions that
// have been read once and wait.
func tellSession(count int) error {
	s, src, err := listen(recvJob{at: netip.AddrPortFrom(loopback, 0), buffer: 4 << 20})
	if err != nil {
		return err
	}
	crowd, err := newImpostor(src.at, count)
	if err != nil {
		return err
	}
	before, _ := alive()
	m, err := session.New(s)
	if err != nil {
		return err
	}
	for range count {
		if err := crowd.send(1); err != nil {
			return err
		}
		c := <-m.Sessions()
		if _, err := c.Receive(context.Background()); err != nil {
			return err
		}
	}
	after, _ := alive()
	ready((after - before) / int64(m.Len()))
	return s.Close()
}
