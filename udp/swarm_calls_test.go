package udp_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"

	"golang.org/x/net/ipv4"

	"example.com/dgram/multicast"
	"example.com/dgram/udp"
)

var socketCalls = map[string]swarmCall{
	"All": func(b *bee, ctx context.Context) {
		for range b.s.All(ctx) {
			if b.r.IntN(5) == 0 {
				b.s.TryReceive()
			}
			if b.r.IntN(10) == 0 {
				return
			}
		}
	},
	"Bind":      func(b *bee, ctx context.Context) { _ = b.s.Bind(ctx, ":0") },
	"Broadcast": func(b *bee, _ context.Context) { _, _ = b.s.Broadcast() },
	"Close": func(b *bee, _ context.Context) {
		if b.r.IntN(20) == 0 {
			b.s.Close()
		}
	},
	"Connect":    func(b *bee, ctx context.Context) { _ = b.s.Connect(ctx, b.peer().String()) },
	"Connected":  func(b *bee, _ context.Context) { look(b.s.Connected()) },
	"Disconnect": func(b *bee, _ context.Context) { _ = b.s.Disconnect() },
	"Done":       func(b *bee, _ context.Context) { look(b.s.Done()) },
	"Drain": func(b *bee, ctx context.Context) {
		if b.r.IntN(20) == 0 {
			_ = b.s.Drain(ctx)
		}
	},
	"Err":    func(b *bee, _ context.Context) { _ = b.s.Err() },
	"Errors": func(b *bee, ctx context.Context) { some(ctx, b.s.Errors()) },
	"File": func(b *bee, _ context.Context) {
		if f, err := b.s.File(); err == nil {
			f.Close()
		}
	},
	"Flush":     func(b *bee, ctx context.Context) { _ = b.s.Flush(ctx) },
	"Listening": func(b *bee, _ context.Context) { look(b.s.Listening()) },
	"LocalAddr": func(b *bee, _ context.Context) { b.s.LocalAddr() },
	"Messages": func(b *bee, ctx context.Context) {
		for range 20 {
			select {
			case m, more := <-b.s.Messages():
				if !more {
					return
				}
				b.count(1, b.s.Reply(ctx, m, m.Data))
				m.Release()
			case <-ctx.Done():
				return
			}
		}
	},
	"Network": func(b *bee, _ context.Context) { _ = b.s.Network() },
	"Outbox": func(b *bee, ctx context.Context) {
		for _, d := range b.datagrams() {
			select {
			case b.s.Outbox() <- d:
				b.sent.Add(1)
			case <-ctx.Done():
				return
			}
		}
	},
	"PacketConn": func(b *bee, _ context.Context) { b.s.PacketConn() },
	"ReadBuffer": func(b *bee, _ context.Context) { _, _ = b.s.ReadBuffer() },
	"Receive":    func(b *bee, ctx context.Context) { _, _ = b.s.Receive(ctx) },
	"ReceiveBatch": func(b *bee, ctx context.Context) {
		ms := make([]udp.Message, b.r.IntN(9))
		n, _ := b.s.ReceiveBatch(ctx, ms)
		release(ms[:n])
	},
	"Ref":        func(b *bee, _ context.Context) { b.s.Ref() },
	"RemoteAddr": func(b *bee, _ context.Context) { b.s.RemoteAddr() },
	"Reply": func(b *bee, ctx context.Context) {
		b.count(1, b.s.Reply(ctx, udp.Message{From: b.peer(), To: b.group}, []byte("reply")))
	},
	"Resolve": func(b *bee, ctx context.Context) { _, _ = b.s.Resolve(ctx, "127.0.0.1:9") },
	"Send":    func(b *bee, ctx context.Context) { b.count(1, b.s.Send(ctx, make([]byte, b.r.IntN(100)))) },
	"SendBatch": func(b *bee, ctx context.Context) {
		n, _ := b.s.SendBatch(ctx, b.datagrams())
		b.sent.Add(int64(n))
	},
	"SendQueueCount": func(b *bee, _ context.Context) {
		if n := b.s.SendQueueCount(); n < 0 {
			b.t.Errorf("%d datagrams are queued", n)
		}
	},
	"SendQueueSize": func(b *bee, _ context.Context) {
		if n := b.s.SendQueueSize(); n < 0 {
			b.t.Errorf("%d bytes are queued", n)
		}
	},
	"SendTo": func(b *bee, ctx context.Context) {
		b.count(1, b.s.SendTo(ctx, b.peer(), []byte("a"), make([]byte, b.r.IntN(2000))))
	},
	"SendToHost":     func(b *bee, ctx context.Context) { b.count(1, b.s.SendToHost(ctx, b.peer().String(), []byte("host"))) },
	"SetBroadcast":   func(b *bee, _ context.Context) { _ = b.s.SetBroadcast(b.r.IntN(2) == 0) },
	"SetReadBuffer":  func(b *bee, _ context.Context) { _ = b.s.SetReadBuffer(1 + b.r.IntN(100_000)) },
	"SetTOS":         func(b *bee, _ context.Context) { _ = b.s.SetTOS(b.r.IntN(300)) },
	"SetTTL":         func(b *bee, _ context.Context) { _ = b.s.SetTTL(b.r.IntN(300)) },
	"SetWriteBuffer": func(b *bee, _ context.Context) { _ = b.s.SetWriteBuffer(1 + b.r.IntN(100_000)) },
	"Stats": func(b *bee, _ context.Context) {
		before := b.s.Stats()
		after := b.s.Stats()
		if after.Received < before.Received || after.DroppedKernel < before.DroppedKernel || after.Sent < before.Sent {
			b.t.Errorf("a counter fell: %+v, then %+v", before, after)
		}
	},
	"String": func(b *bee, _ context.Context) { fmt.Fprint(io.Discard, b.s) },
	"SyscallConn": func(b *bee, _ context.Context) {
		if b.r.IntN(4) == 0 {
			if raw, err := b.s.SyscallConn(); err == nil {
				_ = raw.Control(func(uintptr) {})
			}
		}
	},
	"TOS":        func(b *bee, _ context.Context) { _, _ = b.s.TOS() },
	"TTL":        func(b *bee, _ context.Context) { _, _ = b.s.TTL() },
	"TryReceive": func(b *bee, _ context.Context) { b.s.TryReceive() },
	"UDPConn": func(b *bee, _ context.Context) {
		if b.r.IntN(4) == 0 {
			if c, err := b.s.UDPConn(); err == nil {
				c.Close()
			}
		}
	},
	"Unref": func(b *bee, _ context.Context) { b.s.Unref() },
	"Wait": func(b *bee, _ context.Context) {
		b.s.Unref()
		_ = b.s.Err()
	},
	"WriteBuffer": func(b *bee, _ context.Context) { _, _ = b.s.WriteBuffer() },

	// And what package multicast adds.
	"multicast": func(b *bee, ctx context.Context) {
		m, err := multicast.Join(b.s, b.group)
		if err != nil {
			return
		}
		_ = multicast.SetTTL(b.s, 2)
		_ = multicast.SendOn(ctx, b.s, "lo", netip.AddrPortFrom(b.group, 9), []byte("g"))
		_ = m.Leave()
	},
}

var viewCalls = map[string]swarmCall{
	"Close": func(b *bee, _ context.Context) {
		if b.r.IntN(20) == 0 {
			b.s.PacketConn().Close()
		}
	},
	"File": func(b *bee, _ context.Context) {
		if f, err := b.s.PacketConn().File(); err == nil {
			f.Close()
		}
	},
	"LocalAddr":  func(b *bee, _ context.Context) { b.s.PacketConn().LocalAddr() },
	"RemoteAddr": func(b *bee, _ context.Context) { b.s.PacketConn().RemoteAddr() },
	"Read":       bounded(func(b *bee, v *udp.PacketConn) { _, _ = v.Read(make([]byte, 9)) }),
	"ReadBatch": bounded(func(b *bee, v *udp.PacketConn) {
		_, _ = v.ReadBatch([]ipv4.Message{{Buffers: [][]byte{make([]byte, 9)}}, {Buffers: [][]byte{make([]byte, 9)}}}, 0)
	}),
	"ReadFrom":            bounded(func(b *bee, v *udp.PacketConn) { _, _, _ = v.ReadFrom(make([]byte, 9)) }),
	"ReadFromAddrPort":    bounded(func(b *bee, v *udp.PacketConn) { _, _, _ = v.ReadFromAddrPort(make([]byte, 9)) }),
	"ReadFromUDP":         bounded(func(b *bee, v *udp.PacketConn) { _, _, _ = v.ReadFromUDP(make([]byte, 9)) }),
	"ReadFromUDPAddrPort": bounded(func(b *bee, v *udp.PacketConn) { _, _, _ = v.ReadFromUDPAddrPort(make([]byte, 9)) }),
	"ReadMsgUDP":          bounded(func(b *bee, v *udp.PacketConn) { _, _, _, _, _ = v.ReadMsgUDP(make([]byte, 9), make([]byte, 99)) }),
	"ReadMsgUDPAddrPort": bounded(func(b *bee, v *udp.PacketConn) {
		_, _, _, _, _ = v.ReadMsgUDPAddrPort(make([]byte, 9), make([]byte, 99))
	}),
	"SetDeadline":      bounded(func(b *bee, v *udp.PacketConn) { _ = v.SetDeadline(time.Now().Add(time.Microsecond)) }),
	"SetReadBuffer":    func(b *bee, _ context.Context) { _ = b.s.PacketConn().SetReadBuffer(30_000) },
	"SetReadDeadline":  bounded(func(b *bee, v *udp.PacketConn) { _ = v.SetReadDeadline(time.Time{}.Add(time.Hour)) }),
	"SetWriteBuffer":   func(b *bee, _ context.Context) { _ = b.s.PacketConn().SetWriteBuffer(30_000) },
	"SetWriteDeadline": bounded(func(b *bee, v *udp.PacketConn) { _ = v.SetWriteDeadline(time.Now()) }),
	"SyscallConn": func(b *bee, _ context.Context) {
		if b.r.IntN(4) == 0 {
			_, _ = b.s.PacketConn().SyscallConn()
		}
	},
	"Write": bounded(func(b *bee, v *udp.PacketConn) { _, err := v.Write([]byte("w")); b.count(1, err) }),
	"WriteBatch": bounded(func(b *bee, v *udp.PacketConn) {
		n, err := v.WriteBatch([]ipv4.Message{{Buffers: [][]byte{[]byte("w")}, Addr: net.UDPAddrFromAddrPort(b.peer())}}, 0)
		b.count(n, err)
	}),
	"WriteMsgUDP": bounded(func(b *bee, v *udp.PacketConn) {
		_, _, err := v.WriteMsgUDP([]byte("w"), nil, net.UDPAddrFromAddrPort(b.peer()))
		b.count(1, err)
	}),
	"WriteMsgUDPAddrPort": bounded(func(b *bee, v *udp.PacketConn) {
		_, _, err := v.WriteMsgUDPAddrPort([]byte("w"), nil, b.peer())
		b.count(1, err)
	}),
	"WriteTo": bounded(func(b *bee, v *udp.PacketConn) {
		_, err := v.WriteTo([]byte("w"), net.UDPAddrFromAddrPort(b.peer()))
		b.count(1, err)
	}),
	"WriteToAddrPort": bounded(func(b *bee, v *udp.PacketConn) { _, err := v.WriteToAddrPort([]byte("w"), b.peer()); b.count(1, err) }),
	"WriteToUDP": bounded(func(b *bee, v *udp.PacketConn) {
		_, err := v.WriteToUDP([]byte("w"), net.UDPAddrFromAddrPort(b.peer()))
		b.count(1, err)
	}),
	"WriteToUDPAddrPort": bounded(func(b *bee, v *udp.PacketConn) {
		_, err := v.WriteToUDPAddrPort([]byte("w"), b.peer())
		b.count(1, err)
	}),
}
