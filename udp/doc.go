// Package udp is UDP over channels: datagrams arrive on one, errors on another,
// and a third takes what is to be sent.
//
//	s, err := udp.Listen(ctx, "udp4", ":41234")
//	if err != nil {
//		return err
//	}
//	defer s.Close()
//	for m := range s.Messages() {
//		if err := s.Reply(ctx, m, m.Data); err != nil {
//			return err
//		}
//	}
//	return s.Err()
//
// Multicast groups are in package [example.com/dgram/multicast].
//
// # The life of a socket
//
// [New] makes a socket without an address and without a descriptor.
// [Socket.Bind] gives it an address, [Socket.Connect] a peer, [Socket.Disconnect]
// takes the peer away and keeps the address. [Listen] is New and Bind, [Dial] is
// New and Connect, [FromFile] adopts a descriptor that exists. Sending on an
// unbound socket binds it to a free port on every interface, once however many
// goroutines send first; so do Connect, Outbox, File, SyscallConn, PacketConn and
// multicast.Join. Bind or Connect that fails leaves the socket as it was.
//
// A socket ends in one of three ways, and then for good: somebody calls
// [Socket.Close]; a context that was given to Listen, Dial or [WithContext] is
// done; or the kernel reports what no waiting mends. The order is always the
// same. Waiting calls return [net.ErrClosed]. The goroutines of the socket end.
// What lies in the kernel's buffer is counted. The descriptor is freed. The
// channels of Messages and Errors are closed, then that of [Socket.Done].
// [Socket.Err] is nil after Close, and the cause otherwise.
//
// A context given to any other call bounds that call alone.
//
// A socket has no goroutine of its own before Messages (one for each kernel
// socket) or Outbox (one) is called. Close waits for all of them and needs
// nobody to receive. Every method may be called from any goroutine, after the
// end too.
//
// # The channels
//
//	channel     who sends     who closes              when it is full
//	Messages    the readers   the socket, at its end  WithOverflow decides
//	Errors      the socket    the socket, at its end  the error is counted
//	Outbox      you           you, or nobody          you wait
//	Listening   nobody        the socket, once bound
//	Connected   nobody        the socket, once connected
//	Done        nobody        the socket, at its end
//
// What was put into Messages or Errors before the end can be received after it.
// After the end nobody receives from Outbox: select with Done.
//
//	select {
//	case s.Outbox() <- udp.Datagram{Data: data, To: peer}:
//	case <-s.Done():
//		return s.Err()
//	}
//
// [Socket.Messages], [Socket.All] and [Socket.PacketConn] are three ways to read
// one stream. The first that is used has it; the others answer [ErrReading]. All
// reads in the goroutine that loops, without a channel between, which costs less
// for each datagram. PacketConn is for code that wants package net's interface.
// Datagrams that arrive before the first use wait in the kernel's buffer.
//
// One reader delivers in the order of arrival. Several ([WithReaders]) keep the
// order of each sender's datagrams, not that between senders.
//
// # What is lost, and who counts it
//
// UDP loses datagrams. This package counts those that reached the machine: every
// datagram that reached the socket is in Stats.Received or in one of Stats'
// DroppedKernel, DroppedOverflow, DroppedBlocked and DroppedClosed.
//
// By default ([Block]) a slow receiver stops the reader, and datagrams wait in
// the kernel's buffer. When that is full the kernel drops new ones, which Linux
// counts and [Stats] reports. [WithReadBuffer] makes the buffer larger.
// [OverflowDropNewest] and [OverflowDropOldest] keep reading instead, drop what does not fit the
// message channel, and say so on Errors with one [OverflowError] for each
// episode.
//
// DroppedKernel is exact on Linux with WithOffload(false). With receive offload,
// the default, Linux counts a coalesced burst that it drops as one, so the number
// is a lower bound. On other systems it is 0: they do not say.
//
// # Who owns the bytes
//
// Message.Data is the receiver's: to keep, to change, for as long as it likes.
// Nothing in this package touches it again. [Message.Release] gives the bytes
// back for the next datagram; it is optional, and after it they must not be
// touched. Tests that are built with the tag dgram_debug find the bytes
// overwritten.
//
// The bytes given to Send, SendTo, SendToHost, Reply and SendBatch are read
// before the call returns. Those put into Outbox are the socket's until they have
// been sent: [Socket.Flush] waits for that.
//
// # Errors
//
// A call that fails returns a [*net.OpError] around the cause, so that [errors.Is]
// finds net.ErrClosed, the variables of this package and the errno:
//
//	s, err := udp.Listen(ctx, "udp4", "127.0.0.1:53")
//	if errors.Is(err, syscall.EADDRINUSE) {
//		return fmt.Errorf("is another server running? %w", err)
//	}
//
// Where a context ended the call, the error is the context's.
//
// [Socket.Errors] carries what belongs to no call: a port that refused an earlier
// datagram (ICMP), a queued datagram that failed ([SendError]), a burst of drops
// (OverflowError), an error of the kernel's when reading. None of them ends the
// socket. Nobody has to receive them: they never block it, and Stats.Errors
// counts them. An error of the kernel's that comes again is waited out, 50
// milliseconds at first, 5 seconds at last; after half a minute of nothing else
// it ends the socket, and Err returns it.
//
// A refusal never costs a datagram. Where the kernel reports it to a send, it goes
// to Errors and the send is made again.
//
// # Sending
//
// [Socket.Send], [Socket.SendTo], [Socket.SendToHost], [Socket.Reply] and
// [Socket.SendBatch] run in the caller's goroutine and return when the kernel has
// the datagram. While its buffer is full they wait for room, for the context, or for
// the end of the socket, and none overtakes one that waits.
//
// [Socket.Outbox] is a queue. Its goroutine hands over what is there in as few
// system calls as the system allows, and never waits for more. What fails arrives
// on Errors as a SendError and is counted in Stats.SendDropped; what is queued when
// the socket ends is counted too.
//
// [Socket.Reply] sends from the address that the message was sent to. A socket on
// every interface of a machine with several addresses would answer from whatever
// address the route prefers, and a client that checks drops the answer.
//
// That a send succeeds says that the kernel took the datagram, not that anybody
// received it.
//
// # Addresses
//
// Addresses are [netip.AddrPort]. IPv4 is IPv4 on every socket, never
// ::ffff:a.b.c.d. A link-local IPv6 address has a zone: the name of the interface.
// Names and numbers are accepted, and one that does not exist is an error.
//
// "host:port" is as in package net. An empty host is every interface for Bind and
// loopback for Connect, SendToHost and Resolve. Only names are looked up
// ([WithLookup]); SendToHost looks its name up in every call, and
// [Socket.Resolve] does so once.
//
// # Security
//
// Anybody can write any address into a datagram. Message.From is what it says,
// not who sent it. Before acting on one, authenticate it; before answering with
// more bytes than were asked with, have the sender prove that it receives at that
// address, or the server becomes somebody's amplifier.
//
// A connected socket takes datagrams from its peer's address alone, which keeps
// strangers out that do not forge.
//
// Broadcasting is off until [WithBroadcast] or [Socket.SetBroadcast]: an echo
// server that answers a forged broadcast address would reach the whole network.
// [WithReuseAddr] lets another socket on the same port, of another user too, take
// the datagrams. [WithReceiveBlockList] drops addresses before anything of theirs
// is copied into a message.
//
// # Limits
//
// One datagram carries at most 65507 bytes over IPv4 and 65527 over IPv6; more is
// syscall.EMSGSIZE, as is what exceeds the path with [WithDontFragment]. It is sent
// from at most 1024 parts. By default Messages and Errors hold 16 each and Outbox
// 64. Control messages do not reach the user, except through PacketConn and
// SyscallConn. There are no Unix domain sockets and no raw ones.
//
// # Systems
//
// Everything works on Linux. A kernel before 5.0 has no receive offload, before
// 4.20 lets IPv6 sockets hear other sockets' groups, and before 4.12 does not say
// what it dropped. Other systems, and Linux under the build tag
// dgram_portable, go through package net: one system call for each datagram, no
// offload, DroppedKernel 0. An option that a system lacks fails with
// [errors.ErrUnsupported] when the socket is bound and is never ignored, except
// WithOffload, which changes only the cost.
//
//	option              where it works
//	WithTimestamps      Linux
//	WithICMPErrors      Linux
//	WithReusePort       Linux, FreeBSD, DragonFly
//	WithReaders         Linux, FreeBSD, DragonFly
//	WithInterface       Linux, macOS, Solaris, illumos
//	WithReceiveTOS      not OpenBSD, NetBSD, DragonFly, Solaris or AIX over IPv4
//	WithDontFragment    not OpenBSD, NetBSD or DragonFly over IPv4
//	WithPacketInfo      not Solaris or illumos
//	File                not Windows
//
// # Node's words
//
// Who comes from Node's dgram finds most things under their names.
//
//	createSocket(type)            New(network)
//	bind, bindSync                Bind, or Listen
//	connect, connectSync          Connect, or Dial
//	disconnect, close             Disconnect, Close
//	send(msg, port, host)         SendToHost, or SendTo
//	send(msg), connected          Send
//	on('message')                 Messages, or All
//	on('error')                   Errors; what ends the socket: Err
//	on('listening'), 'connect'    Listening, Connected
//	on('close')                   Done
//	ref, unref                    Ref, Unref and Wait
//	address, remoteAddress        LocalAddr, RemoteAddr
//	setTTL, setBroadcast          SetTTL, SetBroadcast
//	get/setRecvBufferSize         ReadBuffer, SetReadBuffer
//	getSendQueueSize, -Count      SendQueueSize, SendQueueCount
//	signal                        WithContext
//	addMembership                 multicast.Join
//
// The whole table is in the README of the module.
package udp
