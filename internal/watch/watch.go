// Package watch tells which network interfaces there are, and when that has
// changed: on Linux as soon as the kernel says so (rtnetlink(7)), elsewhere by
// looking again and again.
package watch

import (
	"context"
	"net"
)

// An Interface is a network interface as it was when it was looked at.
type Interface struct {
	Index     int
	Name      string
	Up        bool
	Multicast bool
}

// Now returns the interfaces that there are: on Linux, in the network namespace
// of the calling thread.
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
	// Wait blocks until something has changed since the Watcher was made or
	// Wait last returned, and tells what there is now. It may return without
	// a change that matters. When ctx is done it returns ctx's error; any other
	// means that the Watcher is of no use any more.
	Wait(ctx context.Context) (Change, error)
	// Close frees what the Watcher has. Wait must have returned.
	Close()
}

// A Change is how things are after something has happened.
type Change struct {
	Interfaces []Interface
	// Deleted are the indexes of interfaces that were deleted. One of them may
	// be there again: an interface that leaves a network namespace and returns
	// keeps its index, and nothing that was joined on it.
	Deleted []int
}

// Open returns the system's Watcher, or one that polls where the system has
// none or refuses it.
func Open() Watcher {
	if w, err := open(); err == nil {
		return w
	}
	return Poll(Now, Interval)
}
