package session

import "example.com/dgram/udp"

// Deliver hands datagrams to the demultiplexer as if the socket had received
// them, for benchmarks. The socket must not receive any meanwhile.
func (m *Mux) Deliver(batch []udp.Message) { m.deliver(batch) }
