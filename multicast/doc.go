// Package multicast is package udp's side of groups: one datagram, many
// receivers.
//
//	s, err := udp.Listen(ctx, "udp4", ":9999", udp.WithReuseAddr())
//	…
//	m, err := multicast.Join(s, netip.MustParseAddr("239.9.9.9"), multicast.On("eth0"))
//	…
//	for msg := range s.Messages() { … }
//
// # Why the interface is an argument
//
// A unicast address belongs to one place, and routes lead there. A group is on
// every link at once: 239.9.9.9 on the Ethernet and 239.9.9.9 on the wireless
// network have the same address and different members. So a membership is not
// of a socket in a group, but of a socket in a group on an interface, and so it
// is with sending: the datagram leaves through one interface, and arrives on
// that link.
//
// Naming an interface is optional. [Join] without [On] leaves it to the system, which
// looks up a route to the group, as if it were a host: it finds the default
// route's interface, or another by accident, or none (syscall.ENODEV). On a
// machine with one network that is the right one. On one with a wireless network,
// a cable, a VPN and containers it is a guess, and the program receives nothing on
// the other networks. Name the interface, or use all of them: [OnAll].
//
// # Receiving
//
// A membership is for the port that the socket is bound to. Several sockets, of
// several processes too, share the port when all of them were made with
// udp.WithReuseAddr, and each gets a copy.
//
// A socket receives from the groups that it has joined itself alone, on the interfaces
// on which it has. (Linux would also deliver those that any socket of the machine
// has joined; package udp turns that off.) To receive nothing else, other datagrams
// to the port included, bind it to the group: Listen(ctx, "udp4",
// "239.9.9.9:9999"). udp.Message.Interface says where a datagram came in, and its
// To which group it was for.
//
// [From] receives from one source only: the network need not carry what
// others send. [Block] is the opposite.
//
// A "udp6" socket that is dual-stack joins IPv4 groups too on Linux and Windows;
// elsewhere that takes a "udp4" socket. Groups of IPv6 that are confined to the
// link, ff02::/16, may carry their interface as a zone: ff02::fb%eth0.
//
// # Interfaces that come and go
//
// Memberships of [On] with a name, and of [OnAll], follow the interfaces: one
// goroutine of the socket waits for changes. (On Linux the kernel notifies it;
// elsewhere it lists the interfaces every second.) An interface that goes down
// keeps its memberships. One that is deleted loses them, and gets them back when it
// is made again; [Membership.Interfaces] returns the names of the present ones.
//
// # Sending
//
// Sending to a group needs no membership. [SendOn] chooses the interface for one
// datagram, [SetInterface] for all later ones. [SetTTL] sets how far they go: by
// default they stay on the link. [SetLoopback] sets whether sockets of the sender's
// own machine receive them: by default they do.
//
// The settings need a bound socket (udp.ErrNotBound). They have effect when the call
// returns, and return the kernel's error.
package multicast
