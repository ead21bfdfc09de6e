package slab

// Ended reports whether every message of the tag's generation has been released.
func (b *Block) Ended(tag uint32) bool {
	return b.generation != tag>>slotBits || b.full.Load() == b.class().words
}

// Held is how much memory the block occupies.
func (b *Block) Held() int { return int(b.class().size) }

// Age makes the block's current generation its last.
func (b *Block) Age() { b.generation = lastGeneration }
