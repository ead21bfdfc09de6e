// Package netlab makes test hosts out of Linux network namespaces: links between
// them, addresses, routes, switches and faults, from plain go test, as root or
// as any user, without programs to install or traces to clean up.
//
// # A lab test
//
// TestMain puts the test binary into a namespace, in which it is root. Every
// test of the package can run there, and lo is up:
//
//	func TestMain(m *testing.M) { goleak.VerifyTestMain(netlab.Inside(m)) }
//
// A test that needs hosts makes them, connects them and opens sockets on them.
// What it makes is gone when it ends:
//
//	func TestPeersMeet(t *testing.T) {
//		lab := netlab.New(t)
//		a, b := lab.Host("a"), lab.Host("b")
//		lab.Link(a.Port("eth0", "10.0.0.1/24"), b.Port("eth0", "10.0.0.2/24"))
//
//		conn := netlab.On(a, func() (net.PacketConn, error) {
//			return net.ListenPacket("udp4", "10.0.0.1:0")
//		})
//		defer conn.Close()
//		peer := netlab.On(b, func() (net.Conn, error) {
//			return net.Dial("udp4", conn.LocalAddr().String())
//		})
//		defer peer.Close()
//
//		if _, err := peer.Write([]byte("hello")); err != nil {
//			t.Fatal(err)
//		}
//		if _, _, err := conn.ReadFrom(make([]byte, 16)); err != nil {
//			t.Fatal(err)
//		}
//	}
//
// A socket belongs to the host on which it was opened and works from every
// goroutine. [Host.Do] and [On] open sockets on a host; only the calling
// goroutine is there while they run. Code that opens sockets or looks for
// interfaces on goroutines of its own is tested on [Lab.Home], where all
// goroutines are when they are nowhere else.
//
// [New] skips the test if the system refuses namespaces. With a flag the test fails
// instead:
//
//	go test ./internal/netlab ./multicast -netlab=required
//
// Only packages whose tests import this one know the flag.
//
// # What a lab has
//
// [Lab.Link] and [Lab.Switch] return when frames pass, so that the first
// datagram arrives. Methods of [Host] then change the network: interfaces go down,
// lose their multicast flag, shrink their MTU, are renamed, deleted and
// made again; routes lead to gateways, to devices and nowhere; sysctls set the
// limits of the kernel. [Host.Throttle] fills send queues, [Host.RouteMulticast]
// puts hops between sender and group, [Host.DestroySocket] kills sockets,
// [Host.Inject] sends frames that no socket would, and [Host.Filter] loads a
// firewall. [Host.Memberships], [Host.UDPSockets] and [Host.UDPCounters] return the
// state of the kernel.
//
// Errors name the host and the request and wrap the errno. Methods may be called
// from any goroutine, those of [Lab] and [On] from that of the test.
//
// # Limits
//
// Tests run as user 0 of the namespace: permissions of files do not stop them.
// Some privileges end at the namespace even so, SO_RCVBUFFORCE among them.
//
// Hosts number their interfaces independently. A link-local address has the
// index of the interface on the host of the socket as its zone, see
// [Host.LinkLocal]. Package net looks up zones by name in the namespace of the process
// alone.
//
// A host limits the ICMP errors it sends to each peer, after the first few to
// one in a second. The sysctl net.ipv4.icmp_ratelimit is 0 where tests need more.
package netlab
