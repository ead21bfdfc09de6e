// Package interop has no code, only tests: real libraries run on the view of
// udp.Socket.PacketConn, as clients and as servers, and real programs talk to
// sockets.
//
// It is a module of its own, so that what it depends on stays out of dgram's
// go.mod:
//
//	cd internal/interop && go test ./...
//
// A test whose program is not installed is skipped and says so. That they all
// are is for a gate to demand:
//
//	go test ./... -programs=required -netlab=required
//
// How fast quic-go is on the view, and how fast on a *net.UDPConn in the same
// run, round by round:
//
//	go test -run '^$' -bench QUIC -benchtime 10x
package interop
