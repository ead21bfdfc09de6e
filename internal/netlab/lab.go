package netlab

import (
	"errors"
	"testing"
)

// A Lab is a set of hosts and the links between them, made by one test and gone
// when that test has ended.
type Lab struct {
	t testing.TB
}

// New returns an empty Lab for t. Like [Require] it skips or fails t where there
// can be none.
func New(t testing.TB) *Lab {
	t.Helper()
	Require(t)
	return &Lab{t}
}

// Must fails the test if any of errs is not nil. The arguments have all been
// evaluated by then, in order, which makes it a list of steps:
//
//	lab.Must(
//		router.Forward(),
//		a.AddRoute("10.0.2.0/24", "10.0.1.1"),
//		b.AddRoute("10.0.1.0/24", "10.0.2.1"),
//	)
func (l *Lab) Must(errs ...error) {
	l.t.Helper()
	if err := errors.Join(errs...); err != nil {
		l.t.Fatal(err)
	}
}

// Host adds a host with no interface but lo, which is up. The name is only for
// error messages.
func (l *Lab) Host(name string) *Host {
	l.t.Helper()
	h, err := newHost(name)
	l.Must(err)
	h.lab = l
	l.t.Cleanup(h.close)
	return h
}

// Home returns the host in which the test binary itself runs: sockets opened
// outside of [Host.Do] belong to it, and package net lists its interfaces. It is
// the host for code under test that opens sockets or looks for interfaces on
// goroutines of its own.
//
// There is one for all tests of a binary. Links made with [Lab.Link] and
// [Lab.Switch] leave it when their test ends; other changes stay.
func (l *Lab) Home() *Host {
	l.t.Helper()
	h, err := hostHere("home")
	l.Must(err)
	h.lab = l
	l.t.Cleanup(h.close)
	return h
}

// Link connects two ports with a cable and returns when both carry frames, as
// [Connect] does. The link is deleted when the test ends.
func (l *Lab) Link(x, y Port) {
	l.t.Helper()
	l.Must(Connect(x, y))
	l.unplugLater(x)
}

// Switch connects any number of ports to an Ethernet switch and returns it when
// all of them carry frames. A switch is a host with a bridge named "bridge",
// whose ports are "port0", "port1" and so on in the order of ports. It forwards
// multicast to every port, as a switch without snooping does.
func (l *Lab) Switch(name string, ports ...Port) *Host {
	l.t.Helper()
	s := l.Host(name)
	l.Must(s.AddBridge("bridge"), s.Up("bridge"))
	for i, p := range ports {
		own := s.Port(portName(i))
		l.Must(plug(p, own), s.Attach(own.name, "bridge"))
		l.unplugLater(p)
		l.Must(p.start(), own.start())
	}
	for i, p := range ports {
		l.Must(p.host.Settle(p.name), s.Settle(portName(i)))
	}
	l.Must(s.Settle("bridge"))
	return s
}

// unplugLater deletes the interface that p names now, whatever its name is by
// the end of the test.
func (l *Lab) unplugLater(p Port) {
	l.t.Helper()
	index, err := p.host.Index(p.name)
	l.Must(err)
	l.t.Cleanup(func() {
		if err := p.host.deleteIndex(index); err != nil && !gone(err) {
			l.t.Errorf("after the test: %v", err)
		}
	})
}

// On runs open in the namespace of h and returns what it returns. An error fails
// the test.
//
//	conn := netlab.On(a, func() (net.PacketConn, error) {
//		return net.ListenPacket("udp", "10.0.0.1:5353")
//	})
func On[T any](h *Host, open func() (T, error)) T {
	h.lab.t.Helper()
	var v T
	h.lab.Must(h.Do(func() (err error) {
		v, err = open()
		return err
	}))
	return v
}
