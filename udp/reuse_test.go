package udp_test

import (
	"fmt"
	"net/netip"
	"runtime"
	"syscall"
	"testing"

	"example.com/dgram/internal/netlab"
	"example.com/dgram/udp"
)

// A port that every socket on it shares: each datagram is heard once, in one of the
// processes.
//
// Upstream: parallel/test-dgram-reuseport.js
// Upstream: parallel/test-cluster-dgram-reuseport.js
// Upstream: parallel/test-child-process-dgram-reuseport.js
func TestReusePortAcrossProcesses(t *testing.T) {
	f := families()[0]
	mine := listen(t, f.network, f.local(), udp.WithReusePort())
	to := at(t, mine)
	_, err := udp.Listen(t.Context(), f.network, to.String())
	fails(t, err, syscall.EADDRINUSE)
	kids := []*child{spawn(t, "share udp4 "+to.String()+" port"), spawn(t, "share udp4 "+to.String()+" port")}
	for _, k := range kids {
		k.says("ready")
	}
	const senders = 64
	var froms []*udp.Socket
	for i := range senders {
		froms = append(froms, dial(t, f.network, to))
		ok(t, froms[i].Send(t.Context(), fmt.Append(nil, i)))
	}
	heard := map[string]bool{}
	for len(heard) < senders {
		select {
		case m := <-mine.Messages():
			heard[string(m.Data)] = true
		case line := <-kids[0].lines:
			heard[line[len("heard "):]] = true
		case line := <-kids[1].lines:
			heard[line[len("heard "):]] = true
		}
	}
}

// Upstream: parallel/test-cluster-dgram-reuse.js
func TestReuseAddr(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("who gets the datagrams is Linux' rule")
	}
	each(t, func(t *testing.T, f family) {
		one := listen(t, f.network, f.local(), udp.WithReuseAddr())
		to := at(t, one)
		two := listen(t, f.network, to.String(), udp.WithReuseAddr())
		_, err := udp.Listen(t.Context(), f.network, to.String())
		fails(t, err, syscall.EADDRINUSE)
		from := std(t, f)
		tell(t, from, to, "the last binder's")
		expect(t, two, "the last binder's")
		ok(t, two.Close())
		tell(t, from, to, "the first one's again")
		expect(t, one, "the first one's again")
	})
}

// A broadcast reaches every socket on the port, in other processes too.
//
// Upstream: internet/test-dgram-broadcast-multi-process.js
func TestBroadcastReachesEveryProcess(t *testing.T) {
	netlab.Require(t)
	lab := netlab.New(t)
	home, other := lab.Home(), lab.Host("other")
	lab.Link(home.Port("cast0", "10.9.8.1/24"), other.Port("eth0", "10.9.8.2/24"))
	address := netip.AddrPort{}
	for _, to := range []string{"255.255.255.255", "10.9.8.255"} {
		t.Run(to, func(t *testing.T) {
			mine := listen(t, "udp4", ":0", udp.WithReuseAddr())
			address = netip.AddrPortFrom(netip.MustParseAddr(to), at(t, mine).Port())
			shared := fmt.Sprint(":", address.Port())
			var kids []*child
			for range 3 {
				kids = append(kids, spawn(t, "share udp4 "+shared+" addr"))
			}
			for _, k := range kids {
				k.says("ready")
			}
			from := listen(t, "udp4", "10.9.8.1:0")
			fails(t, from.SendTo(t.Context(), address, []byte("x")), syscall.EACCES)
			ok(t, from.SetBroadcast(true))
			send(t, from, address, "all of you")
			for _, k := range kids {
				k.says("heard all of you")
			}
			m := next(t, mine)
			same(t, "payload", string(m.Data), "all of you")
			same(t, "destination", m.To, address.Addr())
			same(t, "sender", m.From, at(t, from))
			// A reply to a broadcast leaves from an address of one's own.
			ok(t, mine.Reply(t.Context(), m, []byte("heard")))
			for range 4 {
				m := next(t, from)
				same(t, "replier", m.From, netip.AddrPortFrom(netip.MustParseAddr("10.9.8.1"), address.Port()))
			}
		})
	}
}

// Upstream: parallel/test-dgram-udp6-link-local-address.js
func TestLinkLocalAddressesHaveZones(t *testing.T) {
	netlab.RequireIPv6(t)
	lab := netlab.New(t)
	home := lab.Home()
	lab.Link(home.Port("zone0", "fd00:9::1/64"), home.Port("zone1"))
	local, err := home.LinkLocal("zone0")
	ok(t, err)
	local = local.WithZone("zone0")
	index, err := home.Index("zone0")
	ok(t, err)

	s := listen(t, "udp6", netip.AddrPortFrom(local, 0).String())
	same(t, "address", at(t, s).Addr(), local)
	byNumber := listen(t, "udp6", netip.AddrPortFrom(local.WithZone(fmt.Sprint(index)), 0).String())
	same(t, "address", at(t, byNumber).Addr(), local)

	for _, zone := range []string{"zone0", fmt.Sprint(index)} {
		to := netip.AddrPortFrom(local.WithZone(zone), at(t, s).Port())
		send(t, byNumber, to, "over the link")
		m := next(t, s)
		same(t, "payload", string(m.Data), "over the link")
		same(t, "sender", m.From, at(t, byNumber))
		ok(t, s.Reply(t.Context(), m, []byte("back")))
		m = next(t, byNumber)
		same(t, "sender", m.From, at(t, s))

		peer := dial(t, "udp6", to)
		a := peer.RemoteAddr()
		same(t, "peer", a, at(t, s))
		send(t, peer, netip.AddrPort{}, "connected")
		expect(t, s, "connected")
		ok(t, byNumber.SendToHost(t.Context(), to.String(), []byte("by text")))
		expect(t, s, "by text")
		byNumber.Outbox() <- udp.Datagram{Data: []byte("queued"), To: to}
		expect(t, s, "queued")
	}

	every := listen(t, "udp6", ":0")
	send(t, byNumber, netip.AddrPortFrom(local, at(t, every).Port()), "to every interface")
	m := next(t, every)
	same(t, "sender", m.From, at(t, byNumber))
	same(t, "To", m.To.WithZone(""), local.WithZone(""))
	same(t, "Interface is known", m.Interface != 0, true)
	ok(t, every.Reply(t.Context(), m, []byte("from there")))
	same(t, "answer comes from", next(t, byNumber).From, netip.AddrPortFrom(local, at(t, every).Port()))
}
