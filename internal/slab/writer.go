package slab

// A Writer copies payload into blocks, one after the other. The zero Writer is
// ready. It is not safe for concurrent use; the messages that it made are.
type Writer struct {
	life *Life
	off  int    // where the next message begins
	slot uint32 // its slot
}

// Copy copies p and returns the copy, capped to its length, and the slot in
// the life that releases it. An empty p needs neither: its life is nil.
// p is no longer than Size.
func (w *Writer) Copy(p []byte) ([]byte, *Life, uint32) {
	n := len(p)
	if n == 0 {
		return []byte{}, nil, 0
	}
	if w.life == nil || w.off+n > Size || w.slot == slots {
		w.next()
	}
	data := w.life.block.mem[w.off : w.off+n : w.off+n]
	copy(data, p)
	slot := w.slot
	w.slot++
	w.off += (n + 7) &^ 7 // what is parsed in place starts aligned
	return data, w.life, slot
}

// next seals the block and starts another.
func (w *Writer) next() {
	w.Seal()
	w.life = Take().live()
}

// Seal ends the block: nothing more is copied into it.
func (w *Writer) Seal() {
	if w.life != nil {
		w.life.seal(int(w.slot))
	}
	*w = Writer{}
}
