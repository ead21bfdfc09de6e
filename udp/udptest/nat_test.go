package udptest_test

import (
	"fmt"
	"net/netip"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"example.com/dgram/udp"
	"example.com/dgram/udp/udptest"
)

// Which of four senders a NAT admits once the inside has sent to the first: the
// same address and port, another port of the same host, another host.
func TestNATKindsAdmitWhatTheySay(t *testing.T) {
	for _, tt := range []struct {
		kind     udptest.NATKind
		admitted string
		onePort  bool
	}{
		{udptest.FullCone, "same port host ", true},
		{udptest.RestrictedCone, "same port ", true},
		{udptest.PortRestricted, "same ", true},
		{udptest.Symmetric, "same ", false},
	} {
		t.Run(tt.kind.String(), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				n := udptest.NewNetwork(t)
				inside := n.Host("10.0.0.2/24")
				server, other := n.Host("192.0.2.1"), n.Host("192.0.2.2")
				n.NAT("203.0.113.1", tt.kind, time.Minute, inside)
				in := listen(t, inside)
				senders := map[string]*udp.Socket{"same": listen(t, server), "port": listen(t, server), "host": listen(t, other)}
				in.Messages()
				send(t, in, at(t, senders["same"]), "hello")
				outside := hear(t, senders["same"], "hello").From
				if outside.Addr() != netip.MustParseAddr("203.0.113.1") {
					t.Fatalf("from %v, want the NAT's address", outside)
				}
				admitted := ""
				for _, name := range []string{"same", "port", "host"} {
					send(t, senders[name], outside, name)
					synctest.Wait()
					select {
					case m := <-in.Messages():
						same(t, "sender", m.From, at(t, senders[name]))
						admitted += string(m.Data) + " "
					default:
					}
				}
				same(t, "admitted", admitted, tt.admitted)
				send(t, in, at(t, senders["host"]), "hello")
				again := hear(t, senders["host"], "hello").From
				same(t, "one outside port", again == outside, tt.onePort)
				conserved(t, n)
			})
		})
	}
}

func TestANATForgetsWhatIsIdle(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := udptest.NewNetwork(t)
		inside, server := n.Host("10.0.0.2/24"), n.Host("192.0.2.1")
		n.NAT("203.0.113.1", udptest.Symmetric, time.Minute, inside)
		in, out := listen(t, inside), listen(t, server)
		send(t, in, at(t, out), "1")
		first := hear(t, out, "1").From
		for range 5 { // traffic in either direction keeps the mapping
			time.Sleep(50 * time.Second)
			send(t, out, first, "keep")
			hear(t, in, "keep")
		}
		time.Sleep(time.Minute + time.Second)
		send(t, out, first, "too late")
		silence(t, in, time.Hour)
		same(t, "lost", conserved(t, n).Lost[udptest.NoMapping], 1)
	})
}

func TestHostsBehindOneNATReachEachOther(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := udptest.NewNetwork(t)
		a, b := n.Host("10.0.0.2/24"), n.Host("10.0.0.3/24")
		n.NAT("203.0.113.1", udptest.FullCone, 0, a, b)
		sa, sb := listen(t, a), listen(t, b)
		send(t, sa, at(t, sb), "direct")
		same(t, "sender", hear(t, sb, "direct").From, at(t, sa))
		// Hairpin: b learned a's outside address from a server.
		server := listen(t, n.Host("192.0.2.1"))
		send(t, sa, at(t, server), "who am I?")
		outside := hear(t, server, "who am I?").From
		send(t, sb, outside, "hairpin")
		same(t, "sender", hear(t, sa, "hairpin").From.Addr(), outside.Addr())
	})
}

// Two homes with equal addresses inside meet by a server, as ICE does.
func TestPortRestrictedNATsArePunched(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := udptest.NewNetwork(t)
		var in [2]*udp.Socket
		var hosts [2]*udptest.Host
		for i := range in {
			hosts[i] = n.Host("192.168.1.2/24")
			n.NAT(fmt.Sprintf("203.0.113.%d", i+1), udptest.PortRestricted, time.Minute, hosts[i])
			in[i] = listen(t, hosts[i])
		}
		n.Link(hosts[0], hosts[1], udptest.Latency(30*time.Millisecond))
		server := listen(t, n.Host("192.0.2.1"))
		var outside [2]netip.AddrPort
		for i := range in {
			send(t, in[i], at(t, server), "register")
			outside[i] = hear(t, server, "register").From
		}
		send(t, in[0], outside[1], "lost: not punched yet")
		time.Sleep(time.Second)
		send(t, in[1], outside[0], "through")
		hear(t, in[0], "through")
		send(t, in[0], outside[1], "and back")
		hear(t, in[1], "and back")
		same(t, "filtered", conserved(t, n).Lost[udptest.Filtered], 1)
	})
}

func TestRefusalsComeBackThroughANAT(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := udptest.NewNetwork(t)
		inside, server := n.Host("10.0.0.2/24"), n.Host("192.0.2.1")
		n.NAT("203.0.113.1", udptest.PortRestricted, time.Minute, inside)
		n.Link(inside, server, udptest.Latency(10*time.Millisecond))
		c, err := inside.Dial(t.Context(), "udp4", "192.0.2.1:9")
		ok(t, err)
		ok(t, c.Send(t.Context(), []byte("anybody?")))
		c.Messages() // reads
		fails(t, <-c.Errors(), syscall.ECONNREFUSED)
	})
}

func TestANATTakesOneOffTheHopLimit(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := udptest.NewNetwork(t)
		inside, server := n.Host("10.0.0.2/24"), n.Host("192.0.2.1")
		n.NAT("203.0.113.1", udptest.FullCone, 0, inside)
		in, out := listen(t, inside), listen(t, server)
		ok(t, in.SetTTL(1))
		send(t, in, at(t, out), "too few")
		silence(t, out, time.Hour)
		same(t, "lost", conserved(t, n).Lost[udptest.HopsExceeded], 1)
		ok(t, in.SetTTL(2))
		send(t, in, at(t, out), "enough")
		hear(t, out, "enough")
	})
}

func TestOneNATIsForOneFamily(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := udptest.NewNetwork(t)
		home := n.Host("10.0.0.2/24", "2001:db8:1::2/64")
		server := n.Host("192.0.2.1", "2001:db8:2::1")
		n.NAT("203.0.113.1", udptest.Symmetric, time.Minute, home)
		s, err := server.Listen(t.Context(), "udp", ":7")
		ok(t, err)
		c, err := home.New("udp6")
		ok(t, err)
		send(t, c, netip.MustParseAddrPort("[2001:db8:2::1]:7"), "six")
		same(t, "sender", hear(t, s, "six").From.Addr(), netip.MustParseAddr("2001:db8:1::2"))
		send(t, c, netip.MustParseAddrPort("192.0.2.1:7"), "four")
		same(t, "sender", hear(t, s, "four").From.Addr(), netip.MustParseAddr("203.0.113.1"))
	})
}

// A NAT's outside address may be that of a router, which has sockets as well.
func TestANATOnARouter(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := udptest.NewNetwork(t)
		home, router, server := n.Host("10.0.0.2/24"), n.Host("203.0.113.1/24"), n.Host("192.0.2.1")
		n.NAT("203.0.113.1/24", udptest.Symmetric, time.Minute, home)
		r, err := router.Listen(t.Context(), "udp4", ":7")
		ok(t, err)
		in, err := home.Listen(t.Context(), "udp4", ":7") // the port that the router's own socket has
		ok(t, err)
		out := listen(t, server)
		send(t, in, at(t, out), "from inside")
		outside := hear(t, out, "from inside").From
		send(t, out, outside, "to the inside")
		hear(t, in, "to the inside")
		send(t, out, netip.MustParseAddrPort("203.0.113.1:7"), "to the router")
		hear(t, r, "to the router")
		send(t, in, netip.MustParseAddrPort("203.0.113.1:7"), "home to its router")
		same(t, "sender", hear(t, r, "home to its router").From.Addr(), outside.Addr())
		conserved(t, n)
	})
}
