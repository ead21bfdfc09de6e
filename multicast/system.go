package multicast

import (
	"context"

	"example.com/dgram/internal/host"
	"example.com/dgram/internal/inside"
	"example.com/dgram/internal/kernel"
	"example.com/dgram/internal/watch"
)

// interfacesOf lists the interfaces of the socket's system: those of its network
// namespace, unless the system has its own.
func interfacesOf(in inside.Socket) (is []interfaceState, err error) {
	own, ok := in.System().(kernel.InterfaceSystem)
	if !ok {
		err = inNamespaceOf(in, func() (err error) {
			is, err = watch.Now()
			return err
		})
		return is, err
	}
	for _, i := range own.Interfaces() {
		is = append(is, interfaceState{Index: i.Index, Name: i.Name, Up: i.Up, Multicast: i.Multicast})
	}
	return is, nil
}

// watcherOf returns a function that makes a Watcher of the interfaces.
func watcherOf(in inside.Socket) func() watch.Watcher {
	if _, ok := in.System().(kernel.InterfaceSystem); ok {
		return func() watch.Watcher { return unchanging{} }
	}
	return func() (w watch.Watcher) {
		err := inNamespaceOf(in, func() error {
			w = host.OpenWatcher()
			return nil
		})
		if err != nil {
			return pollOf(in)
		}
		return w
	}
}

// pollOf returns a Watcher that polls.
func pollOf(in inside.Socket) watch.Watcher {
	return watch.Poll(func() ([]interfaceState, error) { return interfacesOf(in) }, watch.Interval)
}

// inNamespaceOf runs f in the network namespace of a bound socket.
func inNamespaceOf(in inside.Socket, f func() error) error {
	ep, err := in.Bound("join")
	if err != nil {
		return f()
	}
	return watch.In(ep.Conn.Borrow(), f)
}

// unchanging is the Watcher of interfaces that never change.
type unchanging struct{}

func (unchanging) Wait(ctx context.Context) (watch.Change, error) {
	<-ctx.Done()
	return watch.Change{}, ctx.Err()
}

func (unchanging) Close() {}
