package udp

import (
	"iter"
	"sync"
	"sync/atomic"
)

// Stats is a snapshot of what a socket has done: plain numbers, ready for
// expvar, Prometheus or OpenTelemetry. All but Waiting only grow.
//
// Every datagram that reached the socket is in Received, in Waiting, or in
// exactly one of the Dropped counters. There are three limits. With receive offload
// on, Linux counts a coalesced burst that it drops as one, so that
// DroppedKernel is a lower bound; WithOffload(false) makes it exact. Where
// others have the descriptor, or may have it (File, UDPConn, FromFile, SyscallConn,
// WithControl), what they read and what is in the kernel's buffer at Close is theirs,
// and is not counted. And a datagram has reached the socket when it lies in the
// kernel's buffer: what a CPU is putting there while Close, or a receiver at the end
// of Drain, reads the buffer for the last time, at most one datagram for each CPU, is
// not counted. Close would have to wait for the kernel, about ten milliseconds.
type Stats struct {
	// Received is the number of datagrams that a receiver has taken. It may lag
	// behind by what one read brought.
	Received uint64
	// ReceivedBytes is their payload. A datagram counts when it is handed to the
	// message channel; what OverflowDropOldest takes out again stays counted.
	ReceivedBytes uint64
	// Waiting is the number of datagrams that were read from the kernel and that
	// no receiver has taken yet. It is a gauge: the one number that also falls.
	Waiting uint64

	Sent      uint64 // datagrams that the kernel accepted; exact after the call, or Flush
	SentBytes uint64

	// DroppedKernel is the number of datagrams that the kernel dropped: its
	// receive buffer was full, or a checksum was wrong (SO_MEMINFO). It is 0 on
	// systems other than Linux.
	DroppedKernel uint64
	// DroppedOverflow counts what OverflowDropNewest and OverflowDropOldest drop.
	DroppedOverflow uint64
	// DroppedBlocked counts what WithReceiveBlockList drops, and datagrams of
	// other senders that were queued when Connect chose a peer.
	DroppedBlocked uint64
	// DroppedClosed counts what was not handed over before the end: datagrams
	// that a reader had read, and those in the kernel's buffer.
	DroppedClosed uint64
	// Truncated is the number of datagrams that were handed over and are longer
	// than WithMaxDatagram.
	Truncated uint64
	// SendDropped is the number of queued datagrams that the kernel never
	// accepted.
	SendDropped uint64

	Errors        uint64 // errors seen outside any call
	ErrorsDropped uint64 // of them, those that did not fit into Errors

	ReadCalls  uint64 // system calls: Received/ReadCalls is the batch that was achieved
	WriteCalls uint64
}

// All returns every counter with its name in snake case, for collectors:
//
//	for name, value := range s.Stats().All() {
//		fmt.Fprintf(w, "udp_%s %d\n", name, value)
//	}
//
// All but waiting are counters that only grow; waiting is a gauge.
func (s Stats) All() iter.Seq2[string, uint64] {
	return func(yield func(string, uint64) bool) {
		_ = yield("received", s.Received) &&
			yield("received_bytes", s.ReceivedBytes) &&
			yield("waiting", s.Waiting) &&
			yield("sent", s.Sent) &&
			yield("sent_bytes", s.SentBytes) &&
			yield("dropped_kernel", s.DroppedKernel) &&
			yield("dropped_overflow", s.DroppedOverflow) &&
			yield("dropped_blocked", s.DroppedBlocked) &&
			yield("dropped_closed", s.DroppedClosed) &&
			yield("truncated", s.Truncated) &&
			yield("send_dropped", s.SendDropped) &&
			yield("errors", s.Errors) &&
			yield("errors_dropped", s.ErrorsDropped) &&
			yield("read_calls", s.ReadCalls) &&
			yield("write_calls", s.WriteCalls)
	}
}

// Stats returns a snapshot. It asks the kernel for its drops, one system call
// for each kernel socket.
func (s *Socket) Stats() Stats {
	c := &s.count
	st := Stats{
		DroppedOverflow: c.droppedOverflow.Load(),
		DroppedBlocked:  c.droppedBlocked.Load(),
		DroppedClosed:   c.droppedClosed.Load(),
		Truncated:       c.truncated.Load(),
		SendDropped:     c.sendDropped.Load() + s.stranded(),
		ReceivedBytes:   c.receivedBytes.Load(),
		Sent:            c.sent.Load(),
		SentBytes:       c.sentBytes.Load(),
	}
	st.Received, st.Waiting = c.receivedAndWaiting(s.messageChannel())
	st.Errors, st.ErrorsDropped = s.errors.counts()
	if ep := s.endpoint.Load(); ep != nil {
		for _, conn := range ep.conns {
			calls := conn.Calls()
			st.ReadCalls += calls.Read
			st.WriteCalls += calls.Write
			st.DroppedKernel += conn.Drops()
			st.DroppedBlocked += conn.Strangers()
		}
	}
	return st
}

// messageChannel returns the channel of Messages, or nil.
func (s *Socket) messageChannel() chan Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.receive.messages
}

// counters are what the socket counts itself.
//
// What a receiver has taken from the message channel is not counted: it is what
// the readers have sent, less what is in the channel. So a datagram costs no
// counter of its own.
type counters struct {
	read          atomic.Uint64 // datagrams read from the kernel and not blocked, without those of the view
	delivered     atomic.Uint64 // of them, sent to the message channel; counted after the send
	popped        atomic.Uint64 // of those, taken out by the reader; counted before
	pulled        atomic.Uint64 // of those read, handed to a call: All, Receive
	viewed        atomic.Uint64 // read by the view, and not in read
	droppedHand   atomic.Uint64 // of those read, dropped at the end or by Connect; also in droppedClosed or droppedBlocked
	receivedBytes atomic.Uint64

	sent, sentBytes                                atomic.Uint64
	droppedOverflow, droppedBlocked, droppedClosed atomic.Uint64
	truncated, sendDropped                         atomic.Uint64

	mu       sync.Mutex
	received uint64 // the largest number that a snapshot has shown
}

// receivedAndWaiting computes the two numbers so that received never falls. The
// order of the loads makes it a lower bound at every moment: delivered is loaded
// before the length of the channel, and popped after it.
func (c *counters) receivedAndWaiting(messages chan Message) (received, waiting uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delivered := c.delivered.Load()
	queued := uint64(len(messages))
	out := c.popped.Load() + queued
	viewed := c.viewed.Load()
	received = c.pulled.Load() + viewed
	if delivered > out {
		received += delivered - out
	}
	c.received = max(c.received, received)
	gone := c.received + c.droppedOverflow.Load() + c.droppedHand.Load()
	if read := c.read.Load() + viewed; read > gone {
		waiting = read - gone
	}
	return c.received, waiting
}

// taken is what calls have taken from the stream and not counted yet.
type taken struct{ datagrams, bytes, truncated int }

func (t *taken) add(m *Message) {
	t.datagrams++
	t.bytes += len(m.Data)
	if m.Truncated {
		t.truncated++
	}
}

// take counts t as pulled and clears it.
func (c *counters) take(t *taken) {
	if t.datagrams == 0 {
		return
	}
	c.pulled.Add(uint64(t.datagrams))
	c.countPayload(t)
}

// deliver counts t as sent to the message channel and clears it.
func (c *counters) deliver(t *taken) {
	if t.datagrams == 0 {
		return
	}
	c.delivered.Add(uint64(t.datagrams))
	c.countPayload(t)
}

func (c *counters) countPayload(t *taken) {
	c.receivedBytes.Add(uint64(t.bytes))
	if t.truncated > 0 {
		c.truncated.Add(uint64(t.truncated))
	}
	*t = taken{}
}

// view counts a datagram that the view has read.
func (c *counters) view(bytes int) {
	c.viewed.Add(1)
	c.receivedBytes.Add(uint64(bytes))
}

func (c *counters) send(datagrams, bytes int) {
	c.sent.Add(uint64(datagrams))
	c.sentBytes.Add(uint64(bytes))
}
