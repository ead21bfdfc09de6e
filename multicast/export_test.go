package multicast

import (
	"example.com/dgram/internal/watch"
	"example.com/dgram/udp"
)

// WatchWith has the socket's watcher made by open.
func WatchWith(s *udp.Socket, open func() watch.Watcher) {
	membersOf(s.Inside()).open = open
}
