package netlab

import (
	"errors"
	"strconv"
)

// A Port is an interface of a host that is to be connected: its name and the
// addresses it gets.
type Port struct {
	host      *Host
	name      string
	addresses []string
}

// Port names an interface that [Lab.Link], [Lab.Switch] or [Connect] is to make.
// Addresses are written with the length of their prefix, as in "10.0.0.1/24" and
// "fd00::1/64". Every interface has an IPv6 link-local address besides, see
// [Host.LinkLocal].
func (h *Host) Port(name string, addresses ...string) Port {
	return Port{h, name, addresses}
}

// Connect makes a cable between two ports: a pair of virtual Ethernet interfaces
// with the names and addresses the ports ask for. It returns when both ends
// carry frames and their addresses can be bound.
//
// The link lasts until one of its ends is deleted with [Host.Delete] or the
// hosts of a test are gone. Tests use [Lab.Link], which also deletes it; Connect
// is for links made on other goroutines than that of the test.
func Connect(x, y Port) error {
	if err := plug(x, y); err != nil {
		return err
	}
	if err := errors.Join(x.start(), y.start()); err != nil {
		return err
	}
	return errors.Join(x.host.Settle(x.name), y.host.Settle(y.name))
}

// start adds the addresses and brings the interface up.
func (p Port) start() error {
	for _, a := range p.addresses {
		if err := p.host.AddAddress(p.name, a); err != nil {
			return err
		}
	}
	return p.host.Up(p.name)
}

func portName(i int) string { return "port" + strconv.Itoa(i) }
