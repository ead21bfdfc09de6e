package main

import (
	"net"
	"net/netip"

	pion "github.com/pion/transport/v5/udp"
)

// pionServer is the same server on pion/transport's listener.
func pionServer(at netip.AddrPort, got func(n int)) (netip.AddrPort, error) {
	config := pion.ListenConfig{Backlog: 1024, ReadBufferSize: 4 << 20}
	l, err := config.Listen(network(at.Addr()), net.UDPAddrFromAddrPort(at))
	if err != nil {
		return netip.AddrPort{}, err
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				b := make([]byte, 2048)
				for {
					n, err := c.Read(b)
					if err != nil {
						return
					}
					got(n)
				}
			}()
		}
	}()
	return l.Addr().(*net.UDPAddr).AddrPort(), nil
}
