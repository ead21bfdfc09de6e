package main

import (
	"net"
	"net/netip"
)

func netListen(job recvJob) (*net.UDPConn, source, error) {
	c, err := net.ListenUDP(network(job.at.Addr()), net.UDPAddrFromAddrPort(job.at))
	if err != nil {
		return nil, source{}, err
	}
	src := source{at: c.LocalAddr().(*net.UDPAddr).AddrPort(), close: c.Close}
	return c, src, enlarge(c, job.buffer)
}

// netSource is the loop that everyone writes first, with the method that does not allocate.
func netSource(job recvJob) (source, error) {
	c, src, err := netListen(job)
	data := make([]byte, 65536)
	src.read = func(m *meter) error {
		for {
			n, _, err := c.ReadFromUDPAddrPort(data)
			if err != nil {
				return err
			}
			if !m.add(n) {
				return nil
			}
		}
	}
	return src, err
}

// netReadFromSource is the loop of code that knows a net.PacketConn.
func netReadFromSource(job recvJob) (source, error) {
	c, src, err := netListen(job)
	src.read = func(m *meter) error { return readFrom(c, m) }
	return src, err
}

func readFrom(c net.PacketConn, m *meter) error {
	data := make([]byte, 65536)
	for {
		n, _, err := c.ReadFrom(data)
		if err != nil {
			return err
		}
		if !m.add(n) {
			return nil
		}
	}
}

type naiveMessage struct {
	data []byte
	from net.Addr
}

// naiveChannel is what everyone writes for a channel of datagrams.
func naiveChannel(c net.PacketConn) <-chan naiveMessage {
	messages := make(chan naiveMessage, 256)
	go func() {
		defer close(messages)
		buffer := make([]byte, 65536)
		for {
			n, from, err := c.ReadFrom(buffer)
			if err != nil {
				return
			}
			data := make([]byte, n)
			copy(data, buffer)
			messages <- naiveMessage{data, from}
		}
	}()
	return messages
}

func naiveSource(job recvJob) (source, error) {
	c, src, err := netListen(job)
	src.read = func(m *meter) error {
		for msg := range naiveChannel(c) {
			if !m.add(len(msg.data)) {
				return nil
			}
		}
		return net.ErrClosed
	}
	return src, err
}

func netEcho(at netip.AddrPort) error {
	c, src, err := netListen(recvJob{at: at})
	if err != nil {
		return err
	}
	go obey(func(string, int) {})
	ready(int64(src.at.Port()))
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

func naiveEcho(at netip.AddrPort) error {
	c, src, err := netListen(recvJob{at: at})
	if err != nil {
		return err
	}
	go obey(func(string, int) {})
	ready(int64(src.at.Port()))
	for msg := range naiveChannel(c) {
		if _, err := c.WriteTo(msg.data, msg.from); err != nil {
			return err
		}
	}
	return net.ErrClosed
}

// netMany opens one socket with a goroutine that reads it.
func netMany(at netip.AddrPort, got func(n int)) (netip.AddrPort, error) {
	c, src, err := netListen(recvJob{at: at, buffer: 4 << 20})
	if err != nil {
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
	return src.at, nil
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

// naiveSend is what everyone writes for a channel of datagrams to send: one goroutine that
// writes them one by one.
func naiveSend(job sendJob) (sender, error) {
	c, err := net.ListenUDP(network(job.to[0].Addr()), nil)
	if err != nil {
		return nil, err
	}
	type datagram struct {
		data []byte
		to   netip.AddrPort
		done chan error
	}
	queue := make(chan datagram, 256)
	go func() {
		var failed error
		for d := range queue {
			if d.done != nil {
				d.done <- failed
				continue
			}
			if _, err := c.WriteToUDPAddrPort(d.data, d.to); err != nil {
				failed = err
			}
		}
	}()
	return func(n int) error {
		for i := range n {
			queue <- datagram{data: job.payload, to: job.to[i%len(job.to)]}
		}
		done := make(chan error)
		queue <- datagram{done: done}
		return <-done
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
