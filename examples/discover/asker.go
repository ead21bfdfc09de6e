package main

import (
	"context"
	"net/netip"
	"strconv"

	"example.com/dgram/multicast"
	"example.com/dgram/udp"
)

// An asker is a member of one family's group.
type asker struct {
	group  netip.AddrPort
	socket *udp.Socket
	groups *multicast.Membership
}

// newAsker listens on the port of multicast DNS, which others on the machine
// share; where one does not, answers come to a port of our own.
func newAsker(ctx context.Context, group netip.AddrPort, iface string) (*asker, error) {
	network, opts := "udp4", []udp.Option{udp.WithReuseAddr()}
	if group.Addr().Is6() {
		network, opts = "udp6", append(opts, udp.WithIPv6Only())
	}
	s, err := udp.Listen(ctx, network, ":"+strconv.Itoa(int(group.Port())), opts...)
	if err != nil {
		s, err = udp.Listen(ctx, network, ":0", opts...)
	}
	if err != nil {
		return nil, err
	}
	where := multicast.OnAll()
	if iface != "" {
		where = multicast.On(iface)
	}
	m, err := multicast.Join(s, group.Addr(), where)
	if err == nil {
		err = multicast.SetTTL(s, 255) // as RFC 6762 has it, section 11
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return &asker{group, s, m}, nil
}

// ask asks on every interface that there is by now.
func (a *asker) ask(ctx context.Context, questions [][]byte) error {
	for _, iface := range a.groups.Interfaces() {
		for _, q := range questions {
			if err := multicast.SendOn(ctx, a.socket, iface, a.group, q); err != nil {
				return err
			}
		}
	}
	return nil
}

// listen passes the received messages on.
func (a *asker) listen(answers chan<- udp.Message) {
	for m := range a.socket.Messages() {
		select {
		case answers <- m:
		case <-a.socket.Done():
			return
		}
	}
}
