// Package udptest is a network in memory, for tests of code that uses package
// udp. The code takes a *udp.Socket and runs unchanged:
//
//	func TestPingPong(t *testing.T) {
//		synctest.Test(t, func(t *testing.T) {
//			a, b := udptest.Pair(t)
//			a.Send(t.Context(), []byte("ping"))
//			m := <-b.Messages()
//			b.Reply(t.Context(), m, []byte("pong"))
//			if m := <-a.Messages(); string(m.Data) != "pong" {
//				t.Errorf("got %q", m.Data)
//			}
//		})
//	}
//
// [Pair] is two connected sockets on a perfect network. [NewNetwork] makes a
// network to fill: hosts with addresses, links that lose, delay, repeat and
// reorder, partitions, NATs.
//
//	n := udptest.NewNetwork(t, udptest.Seed(7))
//	client, server := n.Host("198.51.100.7"), n.Host("192.0.2.1")
//	n.Link(client, server, udptest.Latency(50*time.Millisecond), udptest.Loss(0.3))
//	s, err := server.Listen(t.Context(), "udp4", "192.0.2.1:53")
//	c, err := client.Dial(t.Context(), "udp4", "192.0.2.1:53")
//
// # Time
//
// In a bubble of testing/synctest an hour of traffic takes no time: the clock
// jumps to the next event as soon as every goroutine waits. Make the network,
// its sockets and their contexts inside the bubble. Everything that a socket
// waits for is durable: the network has timers and no goroutine of its own.
// Outside a bubble the network runs in real time.
//
// # The same seed, the same run
//
// What becomes of a datagram is a function of the network's [Seed], the link,
// the datagram's flow and its number in the flow. A test that fails fails again.
//
// A call at an instant comes after everything that arrives at that instant. What
// arrives at the instant at which the context or the deadline of a Receive ends
// is received, and a send for which there is room at that instant is sent. So
// whole runs in bubbles are equal, down to the bytes of their captures, where
// nothing depends on what Go's scheduler decides between two goroutines at one
// instant:
//
//   - the order of the sends, if two goroutines send
//   - what is in a receive buffer or a channel, if one goroutine fills it and
//     another one empties it: whether it is full, and what a select with a default
//     finds in Messages, whose reader is a goroutine of the socket
//   - whether a context that ends at the instant has ended, if a goroutine that
//     something else has woken asks it: a loop of All asks, and so does a call
//
// # What the sockets do
//
// The sockets answer as Linux's do: a port where no socket is refuses
// (syscall.ECONNREFUSED on connected sockets, at most six times at once and then
// once a second), an MTU that is too small is syscall.EMSGSIZE with
// udp.WithDontFragment, a full receive buffer drops (Stats.DroppedKernel), a
// full send buffer makes a send wait. Groups, broadcast with udp.WithBroadcast,
// SO_REUSEADDR and SO_REUSEPORT, packet info, zones, hop limits, TOS, receive
// times and bursts are there. There is no descriptor: Socket.File,
// Socket.UDPConn and udp.WithControl are errors.ErrUnsupported, and so are the
// methods of raw connections. A library that asks the view of PacketConn for a
// descriptor, as quic-go does, takes it wrapped: struct{ net.PacketConn }{view}.
//
// # What it is not
//
// The network is no model of congestion, no router and no firewall. Hosts are
// one hop apart, whatever their prefixes; only a [Network.NAT] takes one off the
// hop limit.
package udptest
