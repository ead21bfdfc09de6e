package session

import (
	"sync"

	"example.com/dgram/udp"
)

// A stream is the datagrams of one session that its reader has not taken yet.
// They are in a list, which an idle session does not have, until Messages is
// called; from then on they are in its channel.
//
// The demultiplexer alone pushes. Every method returns without waiting.
type stream struct {
	mu       sync.Mutex
	messages chan udp.Message // for Messages, sent to and closed under mu
	ready    chan struct{}    // wakes calls that wait for the list; made by the first
	head     *node            // the list
	tail     *node
	why      error // why the stream is closed, or the session has ended
	n        int32 // length of the list
	reader   reader
	closed   bool // nothing will be pushed any more
}

// reader records how a stream is read. The first way has it.
type reader uint8

const (
	unread reader = iota
	readByMessages
	readByCall // Receive, and Read of the Conn
)

// claim takes the stream for one way of reading. The caller holds mu.
func (s *stream) claim(by reader) bool {
	if s.reader == unread {
		s.reader = by
	}
	return s.reader == by
}

// A node is one datagram of a list.
type node struct {
	next *node
	m    udp.Message
}

var nodes = sync.Pool{New: func() any { return new(node) }}

// fate is what became of a pushed datagram.
type fate uint8

const (
	queued   fate = iota
	dropped       // the queue is full
	replaced      // queued in the place of the oldest, which was dropped
)

// push queues m, or drops a datagram if room for it is missing.
func (s *stream) push(m *udp.Message, c *config) fate {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.messages != nil {
		return s.send(m, c.whenOut)
	}
	f := queued
	if int(s.n) == c.queue {
		if c.whenOut == DropNewest {
			m.Release()
			return dropped
		}
		old := s.shift()
		old.Release()
		f = replaced
	}
	s.append(m)
	s.notify()
	return f
}

// send is push for a stream with a channel.
func (s *stream) send(m *udp.Message, policy QueuePolicy) fate {
	select {
	case s.messages <- *m:
		return queued
	default:
	}
	if policy == DropNewest {
		m.Release()
		return dropped
	}
	f := queued
	select {
	case old := <-s.messages:
		old.Release()
		f = replaced
	default: // the reader has made room meanwhile
	}
	s.messages <- *m // this is the only sender: there is room
	return f
}

func (s *stream) append(m *udp.Message) {
	n := nodes.Get().(*node)
	n.m = *m
	if s.tail == nil {
		s.head = n
	} else {
		s.tail.next = n
	}
	s.tail = n
	s.n++
}

// shift takes the oldest datagram of the list.
func (s *stream) shift() udp.Message {
	n := s.head
	m := n.m
	s.head = n.next
	if s.head == nil {
		s.tail = nil
	}
	s.n--
	*n = node{}
	nodes.Put(n)
	return m
}

// notify wakes one call that waits for the list. That call wakes the next if it
// leaves a message.
func (s *stream) notify() {
	if s.ready != nil && !s.closed {
		signal(s.ready)
	}
}

// signal wakes the receiver of a channel with room for one signal.
func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// channel returns the channel of the stream. On a stream that is read in
// another way it is a closed one, and ok is false.
func (c *Session) channel() (messages <-chan udp.Message, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.claim(readByMessages) {
		return closedMessages(), false
	}
	if c.messages == nil {
		size := c.mux.cfg.queue
		if c.closed {
			size = int(c.n) // what is left
		}
		c.messages = make(chan udp.Message, size)
		for c.n > 0 {
			c.messages <- c.shift()
		}
		if c.closed {
			close(c.messages)
			signal(c.mux.progress)
		}
	}
	return c.messages, true
}

func closedMessages() <-chan udp.Message {
	c := make(chan udp.Message)
	close(c)
	return c
}

// next takes the oldest datagram. Where there is none it returns a channel that
// tells when to ask again. The error says that the stream is at its end, or has
// another reader.
func (c *Session) next() (m udp.Message, wait <-chan struct{}, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case !c.claim(readByCall):
		return m, nil, udp.ErrReading
	case c.n > 0:
		m = c.shift()
		if c.n > 0 {
			c.notify()
		}
		if c.closed {
			signal(c.mux.progress)
		}
		return m, nil, nil
	case c.closed:
		return m, nil, endError(c.why)
	}
	if c.ready == nil {
		c.ready = make(chan struct{}, 1)
	}
	return m, c.ready, nil
}

// atEnd returns why nothing is left to be taken, or nil where something is or may be.
func (s *stream) atEnd() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed || s.n > 0 || len(s.messages) > 0 {
		return nil
	}
	return endError(s.why)
}

// closeStream ends the stream. What is in it can still be taken. The caller holds mu.
func (s *stream) closeStream(cause error) {
	if s.closed {
		return
	}
	s.closed, s.why = true, cause
	if s.messages != nil {
		close(s.messages)
	}
	if s.ready != nil {
		close(s.ready)
	}
}

// drain ends the stream and returns how much of it is left, and whether its reader
// takes it from a channel, which gives no signal. The reader gives one otherwise.
func (s *stream) drain(cause error) (left int, silent bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closeStream(cause)
	return int(s.n) + len(s.messages), s.messages != nil
}
