package multicast

import (
	"context"

	"example.com/dgram/internal/inside"
	"example.com/dgram/internal/kernel"
	"example.com/dgram/internal/watch"
)

// interfacesOf returns the interfaces of the socket's system: the machine's,
// unless the system has its own.
func interfacesOf(in inside.Socket) ([]interfaceState, error) {
	own, ok := in.System().(kernel.InterfaceSystem)
	if !ok {
		return watch.Now()
	}
	var is []interfaceState
	for _, i := range own.Interfaces() {
		is = append(is, interfaceState{Index: i.Index, Name: i.Name, Up: i.Up, Multicast: i.Multicast})
	}
	return is, nil
}

// watcherOf returns what makes a Watcher of them.
func watcherOf(in inside.Socket) func() watch.Watcher {
	if _, ok := in.System().(kernel.InterfaceSystem); ok {
		return func() watch.Watcher { return unchanging{} }
	}
	return watch.Open
}

// unchanging is the Watcher of interfaces that stay as they are.
type unchanging struct{}

func (unchanging) Wait(ctx context.Context) (watch.Change, error) {
	<-ctx.Done()
	return watch.Change{}, ctx.Err()
}

func (unchanging) Close() {}
