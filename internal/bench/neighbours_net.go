package main

import (
	"net"
	"net/netip"
)

func netReceive(job recvJob) error {
	c, err := net.ListenUDP(network(job.at.Addr()), net.UDPAddrFromAddrPort(job.at))
	if err != nil {
		return err
	}
	if err := enlarge(c, job.buffer); err != nil {
		return err
	}
	go obey(func(string, int) {})
	ready()
	m, data := newMeter(job.every, job.allocs), make([]byte, 65536)
	for {
		n, _, err := c.ReadFromUDPAddrPort(data)
		if err != nil {
			return err
		}
		m.add(n)
	}
}

func netEcho(at netip.AddrPort) error {
	c, err := net.ListenUDP(network(at.Addr()), net.UDPAddrFromAddrPort(at))
	if err != nil {
		return err
	}
	go obey(func(string, int) {})
	ready()
	data := make([]byte, 65536)
	for {
		n, from, err := c.ReadFromUDPAddrPort(data)
		if err != nil {
			return err
		}
		if _, err := c.WriteToUDPAddrPort(data[:n], from); err != nil {
			return err
		}
	}
}

// netMany opens one socket with a goroutine that reads it.
func netMany(at netip.AddrPort, got func(n int)) (netip.AddrPort, error) {
	c, err := net.ListenUDP(network(at.Addr()), net.UDPAddrFromAddrPort(at))
	if err != nil {
		return netip.AddrPort{}, err
	}
	if err := enlarge(c, 4<<20); err != nil {
		return netip.AddrPort{}, err
	}
	go func() {
		data := make([]byte, 2048)
		for {
			n, _, err := c.ReadFromUDPAddrPort(data)
			if err != nil {
				fail(err)
			}
			got(n)
		}
	}()
	return c.LocalAddr().(*net.UDPAddr).AddrPort(), nil
}

// netWriteTo sends from an unconnected socket, to each address in turn.
func netWriteTo(job sendJob) (sender, error) {
	c, err := net.ListenUDP(network(job.to[0].Addr()), nil)
	if err != nil {
		return nil, err
	}
	return func(n int) error {
		for i := range n {
			if _, err := c.WriteToUDPAddrPort(job.payload, job.to[i%len(job.to)]); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

// netWrite sends from a connected socket.
func netWrite(job sendJob) (sender, error) {
	c, err := net.DialUDP(network(job.to[0].Addr()), nil, net.UDPAddrFromAddrPort(job.to[0]))
	if err != nil {
		return nil, err
	}
	return func(n int) error {
		for range n {
			if _, err := c.Write(job.payload); err != nil {
				return err
			}
		}
		return nil
	}, nil
}
