package main

import (
	"net"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// xnetBatch is the part that ipv4 and ipv6 have in common: the messages are one type.
type xnetBatch interface {
	ReadBatch([]ipv4.Message, int) (int, error)
	WriteBatch([]ipv4.Message, int) (int, error)
}

func xnetOver(c *net.UDPConn, network string) xnetBatch {
	if network == "udp4" {
		return ipv4.NewPacketConn(c)
	}
	return ipv6.NewPacketConn(c)
}

func xnetSource(job recvJob) (source, error) {
	c, src, err := netListen(job)
	p := xnetOver(c, network(job.at.Addr()))
	batch := make([]ipv4.Message, burst)
	for i := range batch {
		batch[i].Buffers = [][]byte{make([]byte, 2048)}
	}
	src.read = func(m *meter) error {
		for {
			n, err := p.ReadBatch(batch, 0)
			if err != nil {
				return err
			}
			for i := range batch[:n] {
				if !m.add(batch[i].N) {
					return nil
				}
			}
		}
	}
	return src, err
}

func xnetWriteBatch(job sendJob) (sender, error) {
	c, err := net.ListenUDP(network(job.to[0].Addr()), nil)
	if err != nil {
		return nil, err
	}
	p := xnetOver(c, network(job.to[0].Addr()))
	batch := make([]ipv4.Message, burst)
	for i := range batch {
		batch[i] = ipv4.Message{Buffers: [][]byte{job.payload}, Addr: net.UDPAddrFromAddrPort(job.to[i%len(job.to)])}
	}
	return func(n int) error {
		for n > 0 {
			sent, err := p.WriteBatch(batch[:min(n, len(batch))], 0)
			if err != nil {
				return err
			}
			n -= sent
		}
		return nil
	}, nil
}
