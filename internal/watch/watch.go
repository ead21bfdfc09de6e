// Package watch lists the network interfaces and waits for changes: by polling on
// every system, and on Linux by notifications of the kernel (rtnetlink(7)).
package watch

import (
	"context"
	"net"
)

// An Interface is the state that a network interface had when it was listed.
type Interface struct {
	Index     int
	Name      string
	Up        bool
	Multicast bool
}

// Now lists the network interfaces: on Linux, those in the network namespace of the
// calling thread.
func Now() ([]Interface, error) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	is := make([]Interface, len(all))
	for i, a := range all {
		is[i] = Interface{a.Index, a.Name, a.Flags&net.FlagUp != 0, a.Flags&net.FlagMulticast != 0}
	}
	return is, nil
}

// A Watcher waits for changes. It is for one goroutine at a time.
type Watcher interface {
	// Wait blocks until the interfaces have changed since the Watcher was made
	// or Wait last returned. It may also return after a change that a Change does
	// not show. When ctx is done it returns ctx's error. After any other error the
	// Watcher is broken.
	Wait(ctx context.Context) (Change, error)
	// Close frees the Watcher's resources. Wait must have returned.
	Close()
}

// A Change is the list of interfaces after a change.
type Change struct {
	Interfaces []Interface
	// Deleted has the indexes of interfaces that were deleted since the last
	// Change. Interfaces may have the same index again: an interface that leaves
	// a network namespace and returns keeps its index, and loses its groups.
	Deleted []int
}
