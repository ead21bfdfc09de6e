// Package slab keeps received payload: blocks of memory that messages share,
// recycled when the last of them is released and left to the garbage collector
// when one never is.
//
// A [Block] is used many times. Its generation counts how often. A message is
// known by the block and a tag: the generation, and the message's slot in it.
// Every slot has a bit, and a bit carries the generation for which it was set,
// so that releasing a message twice, or a copy of it, or long after, finds its
// own bit already set or another generation.
//
// A message that is kept holds its whole block. Blocks are therefore small for
// what is copied into them: see [Writer].
package slab

import (
	"strings"
	"sync"
	"sync/atomic"
	"unsafe"
)

const (
	// Size is the capacity of a block from [Take], in bytes: the largest UDP
	// datagram fits, and so does the largest burst that the kernel coalesces.
	Size = 64 << 10

	// Windows is how many places in a block a read may be put at. Large blocks
	// begin on a page, so what was read into the beginning of many would compete
	// for the same few lines of the processor's first cache.
	Windows = 16
	shift   = 256

	slotBits = 10 // of a tag; the rest is the generation
	slots    = 1 << slotBits
	perWord  = 32 // slots in a word; its upper half is the generation
	words    = slots / perWord

	lastGeneration = 1<<(32-slotBits) - 1
)

// A Block is the memory: this header, and behind it the bytes for messages. It
// has no pointers, so the garbage collector does not look into it.
//
// One atomic operation releases a message: the word that fills up is counted,
// not the message. Nothing is counted when messages are made; slots that a
// generation did not use are released when it is sealed.
type Block struct {
	kind       kind
	generation uint32
	full       atomic.Uint32        // words in which every slot is released
	words      [words]atomic.Uint64 // a class may use fewer: its bytes begin earlier
}

// A kind is an index into classes.
type kind uint32

// A class is a size of blocks.
type class struct {
	size  uintptr // header and bytes: one of the runtime's sizes, so that none is wasted
	words uint32
	pool  sync.Pool // free blocks; the garbage collector takes those that are not used
}

const header = unsafe.Sizeof(Block{})

const (
	small kind = iota
	medium
	large
	whole
)

var classes = [...]class{
	small:  {size: 4 << 10, words: 8},
	medium: {size: 16 << 10, words: words},
	large:  {size: 32 << 10, words: words},
	whole:  {size: header + Size + (Windows-1)*shift, words: words},
}

func (b *Block) class() *class { return &classes[b.kind] }

// offset is where the bytes of a block begin.
func (c *class) offset() uintptr {
	return unsafe.Offsetof(Block{}.words) + uintptr(c.words)*unsafe.Sizeof(atomic.Uint64{})
}

// capacity is the number of bytes behind the header.
func (c *class) capacity() int { return int(c.size - c.offset()) }

// take returns a block of the kind that has no other user.
func (k kind) take() *Block {
	c := &classes[k]
	if b, ok := c.pool.Get().(*Block); ok {
		return b
	}
	// The bytes are not cleared, which would cost as much as filling them. No old
	// content is visible: a caller gets only bytes that have been overwritten, in a
	// slice that ends with them.
	var memory strings.Builder // strings.Builder allocates without clearing
	memory.Grow(int(c.size))
	memory.WriteByte(0)
	b := (*Block)(unsafe.Pointer(unsafe.StringData(memory.String())))
	b.kind, b.generation = k, 0
	b.full.Store(0)
	return b
}

// bytes is all the memory behind the header.
func (b *Block) bytes() []byte {
	return unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(b), b.class().offset())), b.class().capacity())
}

// Take returns a block of Size bytes that has no other user.
func Take() *Block { return whole.take() }

// Return gives back a block from Take that started no generation.
func Return(b *Block) { b.class().pool.Put(b) }

// Bytes returns the memory of a block from Take. Its content is undefined.
func (b *Block) Bytes() []byte { return b.Window(0) }

// Window returns Size bytes of a block from Take, for the reader of slot i. The
// windows of neighboring slots begin at different offsets.
func (b *Block) Window(i int) []byte {
	at := i % Windows * shift
	return b.bytes()[at : at+Size]
}

// Share starts a generation of block b with n messages, for callers that filled
// the memory themselves. It returns the tag of the first; the others follow.
func Share(b *Block, n int) (tag uint32) {
	for slot := 0; slot < n; slot += perWord {
		b.open(slot)
	}
	b.seal(n)
	return b.tag(0)
}

// Slots returns how many messages a generation can have.
func Slots() int { return slots }

func (b *Block) tag(slot int) uint32 { return b.generation<<slotBits | uint32(slot) }

// open initializes the word that begins with the slot. Until then the word belongs
// to an earlier generation, in which every message is released.
func (b *Block) open(slot int) {
	b.words[slot/perWord].Store(uint64(b.generation) << perWord)
}

// Release marks the message with the tag as released. Only the first call for a
// message counts. Release is not inlined, so that its callers can be: they take the
// message, which is large, by value.
//
//go:noinline
func (b *Block) Release(tag uint32) {
	slot := tag % slots
	b.mark(slot/perWord, tag>>slotBits, 1<<(slot%perWord))
}

// mark sets bits in a word if the word belongs to the generation.
func (b *Block) mark(word, generation, mask uint32) {
	w := &b.words[word]
	for {
		old := w.Load()
		if uint32(old>>perWord) != generation || uint32(old)&mask == mask {
			return
		}
		if !w.CompareAndSwap(old, old|uint64(mask)) {
			continue
		}
		if uint32(old)|mask == 1<<perWord-1 {
			b.complete(1)
		}
		return
	}
}

// seal releases the unused slots, from n on.
func (b *Block) seal(n int) {
	used := uint32(n+perWord-1) / perWord
	if rest := n % perWord; rest != 0 {
		b.mark(used-1, b.generation, ^uint32(0)<<rest)
	}
	if unused := b.class().words - used; unused > 0 {
		b.complete(unused)
	}
}

// complete counts n more full words. When all are full the generation ends and the
// block is free. A block that has no generations left is not used again, so that no
// tag is used twice.
func (b *Block) complete(n uint32) {
	if b.full.Add(n) != b.class().words {
		return
	}
	poison(b.bytes())
	if b.generation == lastGeneration {
		return
	}
	b.generation++
	b.full.Store(0)
	b.class().pool.Put(b)
}
