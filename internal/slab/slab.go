// Package slab keeps received payload: blocks of memory that many messages
// share, recycled when the last of them is released and left to the garbage
// collector when one never is.
//
// A [Block] lives many times; a [Life] is one of them. Every message has a bit
// in its Life, and a Life is never used again, so that releasing a message
// twice, or a copy of it, or long after, can only find its own bit already set.
package slab

import (
	"strings"
	"sync"
	"sync/atomic"
	"unsafe"
)

const (
	// Size is a block's capacity in bytes: the largest UDP datagram fits, and
	// so does the largest burst that the kernel coalesces.
	Size = 64 << 10

	slots   = 1024 // messages in a life
	perWord = 64

	// Windows is how many places in a block a read may be put at. Blocks begin
	// on a page, so what was read into the beginning of many would compete for
	// the same few lines of the processor's first cache.
	Windows  = 16
	shift    = 256
	capacity = Size + (Windows-1)*shift
	words    = slots / perWord
)

// A Block is the memory. Its first life is part of it, so that a block whose
// messages are never released costs one allocation. It has no pointers: the
// garbage collector does not look into it.
type Block struct {
	first Life
	spent bool // first has been lived
	mem   [capacity]byte
}

// newBlock makes a block without clearing its memory, which would cost as much
// as filling it. Nobody sees what was there before: all that is handed out has
// been written over, and is capped to that.
func newBlock() *Block {
	var memory strings.Builder // in the standard library, the way to memory that is not cleared
	memory.Grow(int(unsafe.Sizeof(Block{})))
	memory.WriteByte(0)
	b := (*Block)(unsafe.Pointer(unsafe.StringData(memory.String())))
	b.first, b.spent = Life{}, false
	return b
}

// Bytes is the block's memory. What is in it is undefined.
func (b *Block) Bytes() []byte { return b.Window(0) }

// Window is the block's memory for the reader of slot i of many: Size bytes,
// which begin elsewhere than those for its neighbors.
func (b *Block) Window(i int) []byte {
	at := i % Windows * shift
	return b.mem[at : at+Size]
}

// A Life is the time from when a block is taken to when its last message is
// released. Each message owns one bit.
//
// One atomic operation releases a message: the word that fills up is counted,
// not the message. Nothing is counted when messages are made; what a life did
// not use is released when it is sealed.
type Life struct {
	later bool          // it is part of a laterLife, not of its block
	full  atomic.Uint32 // words with every bit set
	bits  [words]atomic.Uint64
}

// A laterLife is a life of a block that has lived before.
type laterLife struct {
	Life  // first, so that a *Life is a *laterLife
	block *Block
}

// Share starts a life for block b with n messages in slots 0 to n-1, for
// callers that filled the memory themselves.
func Share(b *Block, n int) *Life {
	l := b.live()
	l.seal(n)
	return l
}

// Slots is how many messages a life can have.
func Slots() int { return slots }

// live starts the block's next life.
func (b *Block) live() *Life {
	if !b.spent {
		b.spent = true
		return &b.first
	}
	l := &laterLife{block: b}
	l.later = true
	return &l.Life
}

// end takes the block away from a life: a stale message must not hold on to
// memory that has moved on.
func (l *Life) end() *Block {
	if !l.later {
		return (*Block)(unsafe.Pointer(l)) // its first field
	}
	later := (*laterLife)(unsafe.Pointer(l))
	b := later.block
	later.block = nil
	return b
}

// Release says that the message in the slot needs its bytes no longer. Only
// the first call for a slot counts.
func (l *Life) Release(slot uint32) {
	word := &l.bits[slot/perWord%words]
	bit := uint64(1) << (slot % perWord)
	if old := word.Or(bit); old&bit == 0 && old|bit == ^uint64(0) {
		l.fill(1)
	}
}

// seal releases every slot from n on: they will never be used.
func (l *Life) seal(n int) {
	whole := uint32(words - (n+perWord-1)/perWord)
	if rest := n % perWord; rest != 0 {
		mask := ^uint64(0) << rest
		if old := l.bits[n/perWord].Or(mask); old|mask == ^uint64(0) {
			whole++
		}
	}
	if whole > 0 {
		l.fill(whole)
	}
}

// fill counts n more full words; the last of them ends the life.
func (l *Life) fill(n uint32) {
	if l.full.Add(n) != words {
		return
	}
	b := l.end()
	poison(b.mem[:])
	blocks.Put(b)
}

// blocks are those that wait for their next life. The garbage collector
// empties it when memory is short.
var blocks = sync.Pool{New: func() any { return newBlock() }}

// Take returns a block that nobody else has.
func Take() *Block { return blocks.Get().(*Block) }

// Return gives back a block that started no life.
func Return(b *Block) { blocks.Put(b) }
