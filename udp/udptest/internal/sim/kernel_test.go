package sim_test

import (
	"net"
	"net/netip"
	"testing"

	"go.uber.org/goleak"

	"example.com/dgram/internal/kernel"
	"example.com/dgram/internal/kernel/kerneltest"
	"example.com/dgram/internal/netlab"
	"example.com/dgram/udp/udptest/internal/sim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(netlab.Inside(m)) }

func addresses(t testing.TB, texts ...string) (all []sim.Address) {
	t.Helper()
	for _, text := range texts {
		a, err := sim.ParseAddress(text)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, a)
	}
	return all
}

// A world is a host with a neighbour, as the suite asks for them.
type world struct {
	*sim.Host
	n         *sim.Network
	neighbour *sim.Host
}

func newWorld(t *testing.T) world {
	n := sim.New(1, 0)
	t.Cleanup(n.Close)
	return world{
		n:         n,
		Host:      n.AddHost("host", addresses(t, "10.0.0.1/24", "fd07::1/64", "fe80::1%zone0/64")...),
		neighbour: n.AddHost("neighbour", addresses(t, "10.0.0.2/24", "fd07::2/64")...),
	}
}

func (w world) GroupInterface() net.Interface        { return net.Interface{Index: 2, Name: "eth0"} }
func (w world) LinkLocal() (a netip.Addr, index int) { return netip.MustParseAddr("fe80::1%zone0"), 3 }

func (w world) Throttle() (neighbour kernel.System, from, to netip.Addr, slow, fast func()) {
	w.n.SetLink(w.Host, w.neighbour, sim.Link{})
	return w.neighbour, netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2"),
		func() { w.n.SetLink(w.Host, w.neighbour, sim.Link{Rate: 1, Queue: 1 << 20}) },
		func() { w.n.SetLink(w.Host, w.neighbour, sim.Link{}) }
}

func TestTheContract(t *testing.T) { kerneltest.Test(t, newWorld(t)) }
