package slab

// A Writer copies payload into blocks, one after the other. The zero Writer is
// ready. It is not safe for concurrent use; the messages that it made are.
type Writer struct {
	block *Block
	life  *Life
	off   int    // where the next message begins
	slot  uint32 // its slot
}

// Copy copies p, the payload of n messages, and returns the copy, capped to its
// length, and the life and first of the slots that release them. An empty p
// needs neither: its life is nil. p is no longer than Size.
func (w *Writer) Copy(p []byte, n int) ([]byte, *Life, uint32) {
	size := len(p)
	if size == 0 {
		return []byte{}, nil, 0
	}
	if w.life == nil || w.off+size > capacity || int(w.slot)+n > slots {
		w.next()
	}
	data := w.block.mem[w.off : w.off+size : w.off+size]
	copy(data, p)
	slot := w.slot
	w.slot += uint32(n)
	w.off += (size + 7) &^ 7 // what is parsed in place starts aligned
	return data, w.life, slot
}

// next seals the block and starts another.
func (w *Writer) next() {
	w.Seal()
	w.block = Take()
	w.life = w.block.live()
}

// Seal ends the block: nothing more is copied into it.
func (w *Writer) Seal() {
	if w.life != nil {
		w.life.seal(int(w.slot))
	}
	*w = Writer{}
}
