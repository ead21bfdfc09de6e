package udp

import (
	"context"

	"example.com/dgram/internal/kernel"
)

// The constructors, on a system of the test's choice.

func NewOn(system kernel.System, network string, opts ...Option) (*Socket, error) {
	return newSocket(context.Background(), system, network, opts)
}

func ListenOn(ctx context.Context, system kernel.System, network, address string, opts ...Option) (*Socket, error) {
	return listen(ctx, system, network, address, opts)
}

func DialOn(ctx context.Context, system kernel.System, network, address string, opts ...Option) (*Socket, error) {
	return dial(ctx, system, network, address, opts)
}
