package sim

import (
	"errors"
	"io"
	"net/netip"
)

// A tap writes what passes the hosts' interfaces.
type tap struct {
	w       io.Writer
	err     error
	ids     map[*Interface]uint32 // in the capture
	pending []byte                // blocks that are not written yet
	spare   []byte
	writing bool
}

// errCaptured is the answer to a second capture.
var errCaptured = errors.New("the network is captured already")

// Capture begins to write pcapng to w. The first block is written at once, and
// its error returned.
func (n *Network) Capture(w io.Writer) error {
	n.lock()
	if n.tap != nil {
		n.unlock()
		return errCaptured
	}
	n.tap = &tap{w: w, ids: map[*Interface]uint32{}, pending: appendSection(nil)}
	n.unlock()
	return n.CaptureErr()
}

// CaptureErr is the first error of the writer.
func (n *Network) CaptureErr() error {
	n.lock()
	defer n.unlock()
	if n.tap == nil {
		return nil
	}
	return n.tap.err
}

type way uint8

const (
	inbound way = iota
	outbound
)

// record captures a packet as it passes an interface. The comment says what
// became of it there, if it did not get further.
func (n *Network) record(p *packet, w way, comment string) {
	t := n.tap
	if t == nil || t.err != nil {
		return
	}
	i, h := p.in, p.host
	if w == outbound {
		i, h = p.out, p.origin
	}
	if i == nil || h == nil {
		return
	}
	id, known := t.ids[i]
	if !known {
		id = uint32(len(t.ids))
		t.ids[i] = id
		t.pending = appendInterface(t.pending, h.name+" "+i.name)
	}
	t.pending = appendPacket(t.pending, id, n.start.Add(n.now()), w, comment, appendIP(nil, p.seen(w)))
}

// seen is the packet as it is on the interface: a sender behind a NAT sees its
// own address.
func (p *packet) seen(w way) *packet {
	if p.identity == 0 {
		p.origin.identity++
		p.identity = p.origin.identity
	}
	one := *p
	switch {
	case p.datagram() && w == outbound:
		one.src, one.dst = unzoned(p.from), unzoned(p.to)
	case !p.datagram() && w == inbound:
		about := *p.about
		about.src, about.dst = unzoned(p.from), unzoned(p.to)
		one.dst, one.about = about.src, &about
	}
	return &one
}

func unzoned(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().WithZone(""), a.Port())
}

// flush frees the mutex and writes what was recorded. One goroutine writes at a
// time, in order, and holds no lock meanwhile.
func (n *Network) flush() {
	t := n.tap
	if t.writing {
		n.mu.Unlock()
		return
	}
	t.writing = true
	for len(t.pending) > 0 && t.err == nil {
		blocks := t.pending
		t.pending = t.spare[:0]
		n.mu.Unlock()
		_, err := t.w.Write(blocks)
		n.mu.Lock()
		t.spare, t.err = blocks, err
	}
	t.writing = false
	n.mu.Unlock()
}
