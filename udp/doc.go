// Package udp is UDP over channels: datagrams arrive on one, errors on another,
// and a third takes what is to be sent. Every datagram that reaches a socket is
// delivered or counted.
//
//	s, err := udp.Listen(ctx, "udp4", ":41234")
//	if err != nil {
//		return err
//	}
//	defer s.Close()
//	for m := range s.Messages() {
//		if err := s.Reply(ctx, m, m.Data); err != nil {
//			log.Print(err) // and go on: a sender can be forged
//		}
//	}
//	return s.Err()
//
// The context of [Listen], [Dial] and [WithContext] is the socket's life: when it
// is done, the socket closes. Package net does not do that. A context given to
// any other call bounds that call.
//
// To receive, choose one way for each socket: the channel [Socket.Messages], the
// loop [Socket.All] with [Socket.Receive], [Socket.ReceiveBatch] and
// [Socket.TryReceive] beside it, or [Socket.PacketConn] for code that wants
// package net's interface.
//
// To send, call [Socket.SendTo], [Socket.Send] on a connected socket,
// [Socket.Reply], or [Socket.SendBatch] for many; or put datagrams into the queue
// [Socket.Outbox].
//
// To end, call [Socket.Close], or [Socket.Drain] and then Close: Drain delivers
// what has arrived. [Socket.Err] is the cause of another end.
//
// Message.Data belongs to the receiver. [Message.Release] is optional and makes
// receiving cheaper. [Socket.Errors] may be ignored.
//
// [Socket.Stats] counts datagrams, losses and system calls.
//
// Package [example.com/dgram/multicast] joins groups, package
// [example.com/dgram/udp/session] keeps a stream for each peer, and package
// [example.com/dgram/udp/udptest] is a network in memory for tests.
package udp
