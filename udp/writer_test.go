package udp

import "testing"

// When a change of the peer is over, what is queued is for the new peer: the writer has
// seen that nothing of the last peer's is left in the queue.
func TestWhatIsQueuedAfterAChangeOfPeerIsForTheNewPeer(t *testing.T) {
	s, err := New("udp4")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	c := &peerChange{paused: make(chan struct{}), resume: make(chan struct{}), done: make(chan struct{})}
	close(c.resume)
	w := &writer{s: s, o: &outbox{in: make(chan Datagram, 8)}, limit: 8, change: c}
	w.pause()
	<-c.done
	w.o.in <- Datagram{Data: []byte("for the new peer")}
	w.fill(8)
	if len(w.batch) != 1 {
		t.Errorf("%d datagrams are to be sent, want 1", len(w.batch))
	}
}
