// Package session divides the datagrams of one UDP socket into sessions: one
// stream for each peer. It is what a server of a game, of DTLS, KCP, a tunnel or
// a proxy needs, bounded from every side.
//
//	s, err := udp.Listen(ctx, "udp", ":4000")
//	if err != nil {
//		return err
//	}
//	defer s.Close()
//	m, err := session.New(s)
//	if err != nil {
//		return err
//	}
//	defer m.Close()
//	for c := range m.Sessions() {
//		go func() {
//			defer c.Close()
//			for d := range c.Messages() {
//				if err := c.Send(ctx, d.Data); err != nil {
//					return
//				}
//			}
//		}()
//	}
//	return s.Err()
//
// # Sessions
//
// A [Session] is the conversation with one peer at one local address. A client
// that talks to two addresses of the machine has two sessions, and each answers
// from its own address. A session begins when a peer that is not known sends a
// datagram ([Mux.Sessions]), or when the program opens it ([Mux.Open]).
//
// A session ends in one of these ways, and [context.Cause] of [Session.Context]
// says in which:
//
//	ErrIdle          no datagram has passed either way for as long as Idle
//	ErrEvicted       the session made room for another one: Max, EvictIdlest
//	net.ErrClosed    Session.Close, Mux.Close, or Close of the socket
//	udp.ErrDrained   Mux.Drain, once the reader has taken all of the stream
//	another error    why the socket ended
//
// UDP has no end of a conversation: a peer that leaves says nothing. [Idle] is
// what ends its session. A datagram that the peer sends later opens a new one.
//
// # Reading
//
// There are two ways to read a session, and the first that is used has it:
//
//   - [Session.Messages] is a channel. It costs 128 bytes for each place in the
//     queue, 2 KiB by default, from its first call until the end of the session.
//   - [Session.Receive], and Read of [Session.Conn], take datagrams by a call. The
//     session then uses memory for the datagrams that wait, and none while it is
//     idle.
//
// What was received before the end of the session can be received after it. The
// bytes of a message are the receiver's, as [udp.Message] says.
//
// # net.Listener and net.Conn
//
// [Mux.Listener] is a [net.Listener], and [Session.Conn] is a [net.Conn] with
// deadlines. Code that speaks those runs over a socket of this module: pion/dtls
// through its Listener, kcp-go through the Conn, which is a [net.PacketConn] too.
// A Read takes one datagram, and a Write sends one.
//
// # What is bounded
//
//	Max       sessions                                65536, RefuseNew
//	Backlog   sessions that wait in Sessions          1024
//	Queue     datagrams that wait in one session      16, DropNewest
//	Idle      time without a datagram either way      2 minutes
//
// A slow reader of one session loses its own datagrams and holds up no other
// session. A program that does not take sessions loses new peers.
//
// An idle session takes less than 512 bytes, without a goroutine, a timer or a
// channel. One timer serves all sessions.
//
// # A graceful end
//
// [Mux.Drain] stops the hearing, lets the readers take what was received, and ends
// each session when its stream has been taken. Drain of the socket does not wait for
// the readers of sessions. Sessions can still send until they are closed:
//
//	<-ctx.Done() // of signal.NotifyContext
//	timeout, cancel := context.WithTimeout(context.Background(), 5*time.Second)
//	defer cancel()
//	err := mux.Drain(timeout)
//	mux.Close()
//	s.Close()
//
// # Forged addresses
//
// Any sender can write any address into a datagram, and a flood of datagrams from
// forged addresses looks like many new peers. What it can do is bounded by Max
// and Backlog. A session to which the program has never sent anything belongs to
// a stranger: it ends after a tenth of Idle, and [EvictIdlest] ends sessions of
// strangers before all others. So do not answer before a peer has shown that it
// receives at its address, for example by sending back a cookie; [Admit] is the
// place to check one without a session.
//
// With [RefuseNew] a flood can lock out new peers for a tenth of Idle at a time.
// With EvictIdlest it can end sessions of new peers before they are answered, and, while
// every session at Max is one that was answered, the idlest of those: leave Max room
// beyond the peers that are expected. Below that, sessions that live lose nothing by
// either.
//
// # What is lost, and where it is counted
//
// Every datagram that the mux reads is in a session's stream, or in one of three
// counters of [Stats]: Refused, DroppedQueue and DroppedBacklog. What the socket
// did not hand over is in the socket's own Stats.
//
// # The socket
//
// The mux takes the stream of the socket, reads it in one goroutine and sends with
// it. The program can send by the socket itself, join groups, and
// read its Stats. The socket's owner closes it. [Mux.Close] ends the sessions and
// leaves the socket open; its stream stays taken.
//
// A socket with udp.WithReaders is read through its channel. The package cannot
// tell there whether something else has called Messages.
package session
