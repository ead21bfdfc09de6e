// # The life of a socket
//
// [New] makes a socket without an address and without a descriptor.
// [Socket.Bind] gives it an address, [Socket.Connect] a peer. [Socket.Disconnect]
// takes the peer away and leaves everything else as it was. [Listen] is New and
// Bind, [Dial] is New and Connect, [FromFile] adopts a descriptor that exists.
//
// Send, SendTo, SendToHost, SendBatch, Connect, Outbox, File, SyscallConn,
// PacketConn and multicast.Join on an unbound socket bind it to a free port on
// every interface, once, however many goroutines call. A Bind or Connect that
// fails leaves the socket as it was.
//
// A socket ends in one of three ways, and does not come back:
//
//   - the program calls [Socket.Close];
//   - a context that was given to Listen, Dial or [WithContext] is done;
//   - the descriptor is gone, or a read error persists for half a minute.
//
// The order is always the same. Calls that wait return an error for which
// errors.Is finds [net.ErrClosed] and the cause. The goroutines of the socket end.
// What lies in the kernel's buffer is counted. The descriptor is freed. The
// channels of Messages and Errors are closed, then that of [Socket.Done].
// [Socket.Err] is nil after Close, and the cause otherwise.
//
// [Socket.Drain] is the graceful end: the socket stops hearing, what has arrived
// is delivered, and the stream ends. Sending works until Close.
//
// A socket has no goroutine before Messages (one for each kernel socket) or Outbox
// (one) is called. WithInterface, a zone in Bind and a group on a named interface have
// two more, which watch the interfaces. Close waits for all of them and needs no
// receiver. Every method may be called from any goroutine, after the end too.
//
// # The channels
//
//	channel     sender        closed by               when it is full
//	Messages    the readers   the socket, at its end  WithOverflow decides
//	Errors      the socket    the socket, at its end  the error is counted
//	Outbox      the program   the program, if at all  the program waits
//	Listening   none          the socket, once bound
//	Connected   none          the socket, once connected
//	Done        none          the socket, at its end
//
// What was put into Messages or Errors before the end can be received after it.
// After the end the socket does not receive from Outbox: select with Done.
//
//	select {
//	case s.Outbox() <- udp.Datagram{Data: data, To: peer}:
//	case <-s.Done():
//		return s.Err()
//	}
//
// # Receiving
//
// Messages, All and PacketConn are three ways to read one stream. The first that
// is used has it; the others report [ErrReading]. Datagrams that arrive before the
// first use wait in the kernel's buffer.
//
// All and the calls beside it read in the caller's goroutine, without a channel
// between, which costs less for each datagram. They return soft errors too, such as
// a refusal by the peer; the socket goes on after those:
//
//	m, err := s.Receive(ctx)
//	switch {
//	case err == nil:
//		handle(m)
//	case ctx.Err() != nil || errors.Is(err, net.ErrClosed):
//		return err
//	default:
//		log.Print(err) // a report about an earlier datagram: read on
//	}
//
// One reader delivers in the order of arrival. Several ([WithReaders]) keep the
// order of each sender's datagrams, not that between senders.
//
// # What is lost
//
// UDP loses datagrams on the way, and this package cannot count those. Every
// datagram that reached the socket is in Stats.Received, in Stats.Waiting, or in one
// of DroppedKernel, DroppedOverflow, DroppedBlocked and DroppedClosed.
//
// By default ([OverflowBlock]) a slow receiver stops the reader, and datagrams wait
// in the kernel's buffer. When it is full the kernel drops new ones, which Linux
// counts. [WithReadBuffer] makes it larger. [OverflowDropNewest] and
// [OverflowDropOldest] keep reading instead, drop what does not fit the message
// channel, and report each episode on Errors with one [OverflowError].
//
// DroppedKernel is exact on Linux with WithOffload(false). With receive offload, the
// default, Linux counts a coalesced burst that it drops as one, so the number is a
// lower bound. Datagrams with a wrong checksum are counted there too. On other
// systems the number is 0.
//
// # The bytes
//
// Message.Data is the receiver's: to keep, to change, for as long as it likes. This
// package does not touch it again. [Message.Release] gives the bytes back for the
// next datagram; after it they must not be touched. Tests that are built with the
// tag dgram_debug find released bytes overwritten. A message that is kept for long
// may hold more memory than its bytes; SECURITY.md has the bounds.
//
// The bytes given to Send, SendTo, SendToHost, Reply and SendBatch are read before
// the call returns. Those put into Outbox are the socket's until they have been
// sent: [Socket.Flush] waits for that.
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
// [Socket.Errors] carries what belongs to no call: a report that an earlier datagram
// was refused (ICMP), a queued datagram that failed ([SendError]), an episode of
// drops ([OverflowError]), an error of a read. None of them ends the socket, and
// none blocks it: what does not fit into the channel is counted in
// Stats.ErrorsDropped. A read error that comes again is waited out, 50 milliseconds
// at first, 5 seconds at last; after half a minute of nothing else it ends the
// socket, and Err returns it.
//
// # Sending
//
// Send, SendTo, SendToHost, Reply and SendBatch run in the caller's goroutine and
// return when the kernel has the datagram. While its buffer is full they wait for
// room, for the context, or for the end of the socket, in the order in which they
// were called. That a send succeeds means that the kernel took the datagram, not
// that it arrived.
//
// Outbox is a queue. Its goroutine hands over what is there in as few system calls
// as the system allows, and never waits for more. A datagram that fails arrives on
// Errors as a SendError and is counted in Stats.SendDropped, as is what is queued
// when the socket ends.
//
// Reply sends from the address that the message was sent to. A socket on every
// interface of a machine with several addresses would otherwise answer from the
// address that the route prefers, and a client that checks drops the answer.
//
// # Addresses
//
// Addresses are [netip.AddrPort]. IPv4 is IPv4 on every socket, never
// ::ffff:a.b.c.d. A link-local IPv6 address has a zone: the name of the interface.
// Names and numbers are accepted, and one that does not exist is an error.
//
// "host:port" is as in package net. An empty host is every interface for Bind and
// loopback for Connect, SendToHost and Resolve. Only names are looked up
// ([WithLookup]). SendToHost looks its name up in every call, and [Socket.Resolve]
// does so once.
//
// # Security
//
// A sender can write any address into a datagram: Message.From is a claim.
// Authenticate a datagram before acting on it. Before answering with more bytes than
// were asked with, have the sender prove that it receives at that address;
// otherwise the server amplifies attacks on others.
//
// A connected socket takes datagrams from its peer's address alone. That keeps out
// strangers that do not forge.
//
// Broadcasting is off until [WithBroadcast] or [Socket.SetBroadcast]: an echo server
// that answers a forged broadcast address would reach the whole network.
// [WithReuseAddr] lets another socket on the same port, of another user too, take
// the datagrams. [WithReceiveBlockList] drops addresses before a message is made.
//
// # Limits
//
// One datagram carries at most 65507 bytes over IPv4 and 65527 over IPv6; more is
// syscall.EMSGSIZE, as is what exceeds the path with [WithDontFragment]. It is sent
// from at most 1024 parts. By default Messages holds 47, Errors 16 and Outbox 64.
// Control messages reach the user through PacketConn and SyscallConn alone. There
// are no Unix domain sockets and no raw ones.
//
// # Systems
//
// Everything works on Linux. A kernel before 5.0 has no receive offload, before 4.20
// lets IPv6 sockets hear other sockets' groups, and before 4.12 does not report what
// it dropped. Other systems, and Linux under the build tag dgram_portable, go
// through package net: one system call for each datagram, no offload, DroppedKernel
// 0. An option that a system lacks fails with [errors.ErrUnsupported] when the socket
// is bound and is never ignored, except WithOffload, which changes only the cost.
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
// Most things of Node's dgram have their names here:
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
// The whole table is docs/node.md of the module.
package udp
