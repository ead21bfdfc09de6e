package main

import (
	"net/netip"

	"github.com/panjf2000/gnet/v2"
)

// gnetServer is one event loop on one socket; onTraffic is called for each datagram.
type gnetServer struct {
	gnet.BuiltinEventEngine
	onTraffic func(c gnet.Conn) gnet.Action
}

func (s *gnetServer) OnBoot(gnet.Engine) gnet.Action {
	ready()
	return gnet.None
}

func (s *gnetServer) OnTraffic(c gnet.Conn) gnet.Action { return s.onTraffic(c) }

func gnetReceive(job recvJob) error {
	m := newMeter(job, false)
	return gnetRun(job.at, job.buffer, func(c gnet.Conn) gnet.Action {
		data, _ := c.Next(-1)
		m.add(len(data))
		return gnet.None
	})
}

func gnetEcho(at netip.AddrPort) error {
	return gnetRun(at, 0, func(c gnet.Conn) gnet.Action {
		data, _ := c.Next(-1)
		if _, err := c.Write(data); err != nil {
			return gnet.Shutdown
		}
		return gnet.None
	})
}

func gnetRun(at netip.AddrPort, buffer int, onTraffic func(gnet.Conn) gnet.Action) error {
	go obey(func(string, int) {})
	opts := []gnet.Option{gnet.WithMulticore(false)}
	if buffer > 0 {
		opts = append(opts, gnet.WithSocketRecvBuffer(buffer))
	}
	return gnet.Run(&gnetServer{onTraffic: onTraffic}, network(at.Addr())+"://"+at.String(), opts...)
}
