package slab

import "bytes"

const (
	// MaxCopy is the longest payload for which a Writer has blocks. Longer payload
	// stays in the block that it was read into, see Share.
	MaxCopy = 32<<10 - 512

	// smallest is the longest payload that goes into the smallest blocks.
	smallest = 256
)

// A Writer copies payload into blocks. The zero Writer is ready. It is not safe for
// concurrent use; the messages that it returned are.
//
// A message that is kept holds its block, so blocks are no larger than the payload
// needs: 4 KiB for payload up to 256 bytes, 16 KiB for payload that fits into that,
// 32 KiB for longer payload.
type Writer struct {
	small, medium page
}

// A page is the block that a Writer fills.
type page struct {
	block *Block
	rest  []byte // of its bytes
	slot  int    // of the next message
	slots int
	tag   uint32 // of the next message
}

// Copy copies p, the payload of n messages. It returns the copy, capped to its
// length, and the block and the first of the tags that release the messages. The
// block is nil if there is nothing to release: if p is empty, or if p is too long
// for a block and the garbage collector frees the copy.
func (w *Writer) Copy(p []byte, n int) ([]byte, *Block, uint32) {
	switch size := len(p); {
	case size == 0:
		return []byte{}, nil, 0
	case n > slots || size > MaxCopy:
		return bytes.Clone(p), nil, 0
	case size <= smallest && n <= smallest:
		return w.small.copy(small, p, n)
	case size <= classes[medium].capacity():
		return w.medium.copy(medium, p, n)
	}
	b := large.take() // a second one does not fit
	data := b.bytes()[:len(p):len(p)]
	copy(data, p)
	return data, b, Share(b, n)
}

func (g *page) copy(k kind, p []byte, n int) ([]byte, *Block, uint32) {
	if len(p) > len(g.rest) || g.slot+n > g.slots {
		g.next(k)
	}
	data := g.rest[:len(p):len(p)]
	copy(data, p)
	for first := (g.slot + perWord - 1) &^ (perWord - 1); first < g.slot+n; first += perWord {
		g.block.open(first)
	}
	tag := g.tag
	g.slot += n
	g.tag += uint32(n)
	g.rest = g.rest[min((len(p)+7)&^7, len(g.rest)):] // what is parsed in place starts aligned
	return data, g.block, tag
}

// next seals the block and starts another.
func (g *page) next(k kind) {
	g.seal()
	b := k.take()
	*g = page{block: b, rest: b.bytes(), slots: int(b.class().words) * perWord, tag: b.tag(0)}
}

func (g *page) seal() {
	if g.block != nil {
		g.block.seal(g.slot)
	}
	*g = page{}
}

// Seal ends the current blocks: nothing more is copied into them.
func (w *Writer) Seal() {
	w.small.seal()
	w.medium.seal()
}
