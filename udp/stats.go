package udp

import "sync/atomic"

// Stats is a snapshot of what a socket has done: plain numbers, ready for
// expvar, Prometheus or OpenTelemetry. All only ever grow but Received and
// ReceivedBytes: they count what was read in one call just before the first of
// it is handed over, and take back what OverflowDropOldest drops from the channel, what
// a loop of All leaves, and what no receiver has come for when the socket ends.
//
// Every datagram that reached the socket is in Received, or in exactly one of
// the Dropped counters. One limit: with receive offload on, Linux counts a
// coalesced burst that it drops as one, so that DroppedKernel is a lower bound;
// WithOffload(false) makes it exact.
type Stats struct {
	Received      uint64 // datagrams handed to the channel, the loop or ReadFrom
	ReceivedBytes uint64
	Sent          uint64 // datagrams that the kernel accepted; exact after the call, or Flush
	SentBytes     uint64

	DroppedKernel   uint64 // the kernel's receive buffer was full (SO_MEMINFO; 0 elsewhere than on Linux)
	DroppedOverflow uint64 // WithOverflow(OverflowDropNewest, OverflowDropOldest)
	DroppedBlocked  uint64 // WithReceiveBlockList
	DroppedClosed   uint64 // not handed over before the end: read already, or still in the kernel's buffer
	Truncated       uint64 // delivered, but cut off: WithMaxDatagram
	SendDropped     uint64 // queued and never accepted by the kernel

	Errors        uint64 // errors seen outside any call
	ErrorsDropped uint64 // of them, those that did not fit into Errors

	ReadCalls  uint64 // system calls: Received/ReadCalls is the batch that was achieved
	WriteCalls uint64
}

// counters are what the socket counts itself.
type counters struct {
	received, receivedBytes                        atomic.Uint64
	sent, sentBytes                                atomic.Uint64
	droppedOverflow, droppedBlocked, droppedClosed atomic.Uint64
	truncated, sendDropped                         atomic.Uint64
}

func (c *counters) receive(datagrams, bytes int) {
	c.received.Add(uint64(datagrams))
	c.receivedBytes.Add(uint64(bytes))
}

// unreceive takes back what was counted for messages that nobody took.
func (c *counters) unreceive(datagrams, bytes int) {
	c.received.Add(-uint64(datagrams))
	c.receivedBytes.Add(-uint64(bytes))
}

func (c *counters) send(datagrams, bytes int) {
	c.sent.Add(uint64(datagrams))
	c.sentBytes.Add(uint64(bytes))
}

// Stats returns a snapshot. It asks the kernel for its drops, a system call
// for each kernel socket.
func (s *Socket) Stats() Stats {
	c := &s.count
	st := Stats{
		DroppedOverflow: c.droppedOverflow.Load(),
		DroppedBlocked:  c.droppedBlocked.Load(),
		DroppedClosed:   c.droppedClosed.Load(),
		Truncated:       c.truncated.Load(),
		SendDropped:     c.sendDropped.Load(),
		Received:        c.received.Load(),
		ReceivedBytes:   c.receivedBytes.Load(),
		Sent:            c.sent.Load(),
		SentBytes:       c.sentBytes.Load(),
	}
	st.SendDropped += s.stranded()
	st.Errors, st.ErrorsDropped = s.errors.counts()
	if ep := s.endpoint.Load(); ep != nil {
		for _, conn := range ep.conns {
			calls := conn.Calls()
			st.ReadCalls += calls.Read
			st.WriteCalls += calls.Write
			st.DroppedKernel += conn.Drops()
		}
	}
	return st
}
