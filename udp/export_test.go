package udp

import (
	"context"

	"example.com/dgram/internal/inside"
	"example.com/dgram/internal/kernel"
)

// The constructors, on a system of the test's choice.

func NewOn(system kernel.System, network string, opts ...Option) (*Socket, error) {
	return New(network, onSystem(system, opts)...)
}

func ListenOn(ctx context.Context, system kernel.System, network, address string, opts ...Option) (*Socket, error) {
	return Listen(ctx, network, address, onSystem(system, opts)...)
}

func DialOn(ctx context.Context, system kernel.System, network, address string, opts ...Option) (*Socket, error) {
	return Dial(ctx, network, address, onSystem(system, opts)...)
}

func onSystem(system kernel.System, opts []Option) []Option {
	return append([]Option{inside.WithSystem(system).(Option)}, opts...)
}

// AskedPeers returns how many peers the view remembers.
func AskedPeers(v *PacketConn) int { return len(v.asked.peers) }

// PendingFlushes returns how many calls of Flush the writer has to answer.
func PendingFlushes(s *Socket) int {
	s.outbox.mu.Lock()
	defer s.outbox.mu.Unlock()
	return len(s.outbox.flushes)
}
