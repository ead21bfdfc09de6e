package multicast_test

import (
	"fmt"
	"net/netip"
	"os/exec"
	"testing"

	"example.com/dgram/internal/netlab"
	"example.com/dgram/multicast"
	"example.com/dgram/udp"
)

// node runs a script of Node's on a host, or skips the test where there is none.
func node(t *testing.T, h *netlab.Host, script string, args ...string) *process {
	t.Helper()
	path, err := exec.LookPath("node")
	if err != nil {
		t.Skip("no node: ", err)
	}
	return start(t, h, exec.Command(path, append([]string{"-e", script, "--"}, args...)...))
}

// A member in Node that prints what it hears.
const nodeListens = `
const [type, group, port, iface, source] = process.argv.slice(1);
const s = require('dgram').createSocket({ type, reuseAddr: true });
s.bind(+port, () => {
	if (source) s.addSourceSpecificMembership(source, group, iface);
	else s.addMembership(group, iface);
	console.log('joined');
});
s.on('message', (m) => { console.log('heard ' + m); if (String(m) === 'leave') s.close(); });
`

// A sender in Node.
const nodeSends = `
const [type, group, port, iface] = process.argv.slice(1);
const s = require('dgram').createSocket({ type });
s.bind(0, () => {
	s.setMulticastInterface(iface);
	s.setMulticastTTL(16);
	s.send('from node', +port, group, () => { console.log('sent'); s.close(); });
});
`

func TestNodeHearsUs(t *testing.T) {
	netlab.RequireIPv6(t)
	_, a, b := pair(t, 2)
	for _, c := range []struct {
		network, group, iface, source, from string
	}{
		{"udp4", "239.1.2.3", "10.0.1.2", "", ":0"},
		{"udp6", "ff05::1:2:3", "::%eth1", "", ":0"},
		{"udp4", "232.1.2.3", "10.0.1.2", "10.0.1.1", "10.0.1.1:0"},
		{"udp6", "ff35::1:2:3", "::%eth1", "fd00:1::1", "[fd00:1::1]:0"},
	} {
		holder := open(t, b, c.network, ":0", udp.WithReuseAddr())
		port := to(t, addr(c.group), holder)
		args := []string{c.network, c.group, fmt.Sprint(port.Port()), c.iface}
		if c.source != "" {
			args = append(args, c.source)
		}
		p := node(t, b, nodeListens, args...)
		p.says(t, "joined")
		sender := open(t, a, c.network, c.from)
		say(t, sender, "eth0", port, "no")
		say(t, sender, "eth1", port, "from us")
		p.says(t, "heard from us")
		must(t, sender.do(t, func() error { return multicast.SetInterface(sender.Socket, "eth1") }))
		send(t, sender, port, "leave")
		p.says(t, "heard leave")
	}
}

func TestWeHearNode(t *testing.T) {
	netlab.RequireIPv6(t)
	_, a, b := pair(t, 2)
	for _, c := range []struct {
		network, group, iface string
		opts                  []multicast.Option
	}{
		{"udp4", "239.1.2.3", "10.0.1.1", with(multicast.On("eth1"))},
		{"udp6", "ff02::1:2:3", "::%eth1", with(multicast.On("::%eth1"))},
		{"udp4", "232.1.2.3", "10.0.1.1", with(multicast.On("10.0.1.2"), multicast.From(addr("10.0.1.1")))},
	} {
		s := open(t, b, c.network, ":0")
		m := join(t, s, addr(c.group), c.opts...)
		p := node(t, a, nodeSends, c.network, c.group, fmt.Sprint(to(t, netip.Addr{}, s).Port()), c.iface)
		p.says(t, "sent")
		hears(t, s, "from node")
		quit(t, s, m)
	}
}
