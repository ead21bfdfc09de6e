package multicast

import (
	"example.com/dgram/internal/inside"
	"example.com/dgram/internal/watch"
	"example.com/dgram/udp"
)

// WatchWith has the socket's watcher made by open.
func WatchWith(s *udp.Socket, open func() watch.Watcher) {
	membershipsOf(inside.Of(s)).open = open
}
