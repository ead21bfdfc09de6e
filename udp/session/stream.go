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
	reader   reader
	closed   bool             // nothing will be pushed any more
	n        int32            // length of the list
	progress chan<- struct{}  // gets a signal when a reader has taken something after the end
	head     *node            // the list
	tail     *node            //
	messages chan udp.Message // for Messages, sent to and closed under mu
	ready    chan struct{}    // for those who wait for the list, made by the first of them
	cause    error            // why the stream is closed
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

// notify wakes one of those who wait for the list. The one that it wakes wakes
// the next if it leaves something.
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
func (s *stream) channel(queue int) (c <-chan udp.Message, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.claim(readByMessages) {
		return closedMessages(), false
	}
	if s.messages == nil {
		if s.closed {
			queue = int(s.n) // what is left
		}
		s.messages = make(chan udp.Message, queue)
		for s.n > 0 {
			s.messages <- s.shift()
		}
		if s.closed {
			close(s.messages)
			signal(s.progress)
		}
	}
	return s.messages, true
}

func closedMessages() <-chan udp.Message {
	c := make(chan udp.Message)
	close(c)
	return c
}

// next takes the oldest datagram. Where there is none it returns a channel that
// tells when to ask again. The error says that the stream is at its end, or has
// another reader.
func (s *stream) next() (m udp.Message, wait <-chan struct{}, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !s.claim(readByCall):
		return m, nil, udp.ErrReading
	case s.n > 0:
		m = s.shift()
		if s.n > 0 {
			s.notify()
		}
		if s.closed {
			signal(s.progress)
		}
		return m, nil, nil
	case s.closed:
		return m, nil, endError(s.cause)
	}
	if s.ready == nil {
		s.ready = make(chan struct{}, 1)
	}
	return m, s.ready, nil
}

// closeStream ends the stream. What is in it can still be taken. The caller holds mu.
func (s *stream) closeStream(cause error) {
	if s.closed {
		return
	}
	s.closed, s.cause = true, cause
	if s.messages != nil {
		close(s.messages)
	}
	if s.ready != nil {
		close(s.ready)
	}
}

// drain ends the stream and returns how much of it is left, and whether its reader
// takes it from a channel, which gives no signal. The reader gives one otherwise.
func (s *stream) drain(cause error, progress chan<- struct{}) (left int, silent bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.progress = progress
	s.closeStream(cause)
	return int(s.n) + len(s.messages), s.messages != nil
}
