package slab_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"example.com/dgram/internal/slab"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A message is a text in a block.
type message struct {
	data  []byte
	block *slab.Block
	tag   uint32
	want  []byte
}

// write copies a text of its own for each message.
func write(w *slab.Writer, text string) message {
	data, block, tag := w.Copy([]byte(text), 1)
	return message{data, block, tag, []byte(text)}
}

func (m message) release() {
	if m.block != nil {
		m.block.Release(m.tag)
	}
}

func (m message) ended() bool { return m.block.Ended(m.tag) }

// intact checks that the bytes are as they were written.
func (m message) intact(t *testing.T) {
	t.Helper()
	if !bytes.Equal(m.data, m.want) {
		t.Errorf("%q became %q", m.want, m.data)
	}
}

// reuse takes blocks of every size, as many as may have been recycled, and
// writes over their beginning.
func reuse() {
	for range 64 {
		b := slab.Take()
		for i := range b.Bytes()[:4096] {
			b.Bytes()[i] = 0xaa
		}
		defer slab.Return(b)
		var w slab.Writer
		defer w.Seal()
		for _, size := range []int{200, 3000, 20_000} {
			for range 8 {
				write(&w, strings.Repeat("?", size)).release()
			}
		}
	}
}

func TestACopyIsCappedAndApart(t *testing.T) {
	var w slab.Writer
	a, b := write(&w, "alpha"), write(&w, "beta")
	if cap(a.data) != len(a.data) {
		t.Errorf("capacity %d of %d bytes: append would reach the next message", cap(a.data), len(a.data))
	}
	_ = append(a.data, "overrun"...)
	b.intact(t)
}

func TestAnEmptyMessageNeedsNoMemory(t *testing.T) {
	var w slab.Writer
	if m := write(&w, ""); m.block != nil || m.data == nil || len(m.data) != 0 {
		t.Errorf("got %v in block %v", m.data, m.block)
	}
}

func TestABlockIsKeptUntilItsLastMessageIsReleased(t *testing.T) {
	var w slab.Writer
	a, b := write(&w, "alpha"), write(&w, "beta")
	w.Seal()
	a.release()
	reuse()
	b.intact(t)
}

func TestASecondReleaseReleasesNoOtherMessage(t *testing.T) {
	var w slab.Writer
	a, b := write(&w, "alpha"), write(&w, "beta")
	w.Seal()
	for range 2000 { // more often than a generation has slots
		a.release()
	}
	if a.ended() {
		t.Error("the generation has ended, and a message is held")
	}
	reuse()
	b.intact(t)
}

func TestAStaleReleaseDoesNotReachTheNextGeneration(t *testing.T) {
	var w slab.Writer
	stale := write(&w, "alpha")
	w.Seal()
	stale.release() // the block moves on
	for range 100 { // until it, or another, has come back
		next := write(&w, "beta")
		stale.release()
		next.intact(t)
		w.Seal()
		stale.release()
		if next.ended() {
			t.Fatal("the next generation has ended, and its message is held")
		}
		next.release()
	}
}

// A block that has been used as often as tags can say is not used again.
func TestATagNeverComesTwice(t *testing.T) {
	old := slab.Take()
	old.Age()
	tag := slab.Share(old, 1)
	old.Release(tag)
	if !old.Ended(tag) {
		t.Fatal("its message was released, and the generation has not ended")
	}
	for range 64 {
		b := slab.Take()
		if b == old {
			t.Fatal("the block was used again")
		}
		defer slab.Return(b)
	}
}

func TestEveryNumberOfMessagesEndsAGeneration(t *testing.T) {
	for n := 1; n <= slab.Slots(); n++ {
		block := slab.Take()
		tag := slab.Share(block, n)
		for i := range uint32(n) {
			if block.Ended(tag) {
				t.Fatalf("of %d messages %d were released, and the generation has ended", n, i)
			}
			block.Release(tag + i)
		}
		if !block.Ended(tag) {
			t.Fatalf("all of %d messages were released, and the generation has not ended", n)
		}
	}
}

// A kept message holds its block: little more than itself.
func TestAKeptMessageHoldsLittle(t *testing.T) {
	var w slab.Writer
	for _, c := range []struct{ size, most int }{
		{1, 4 << 10}, {256, 4 << 10}, {257, 16 << 10}, {1500, 16 << 10}, {16_000, 16 << 10}, {17_000, 32 << 10}, {slab.MaxCopy, 32 << 10},
	} {
		if m := write(&w, strings.Repeat("x", c.size)); m.block.Held() > c.most {
			t.Errorf("%d bytes hold %d, want at most %d", c.size, m.block.Held(), c.most)
		}
	}
}

// The sizes of blocks are sizes of the runtime: what is allocated is what Held says.
func TestNoMemoryIsWasted(t *testing.T) {
	for _, size := range []int{200, 2000, 20_000} {
		const n = 50
		var before, after runtime.MemStats
		text, held := make([]byte, size), 0
		runtime.ReadMemStats(&before)
		for range n {
			var w slab.Writer // not sealed: it does not come back
			_, block, _ := w.Copy(text, 1)
			held = block.Held()
		}
		runtime.ReadMemStats(&after)
		if got := int(after.TotalAlloc-before.TotalAlloc) / n; got > held+held/8 {
			t.Errorf("a block of %d bytes costs %d of memory", held, got)
		}
	}
}

// A burst is copied as one, and each of its messages released by itself.
func TestABurstHasASlotForEachMessage(t *testing.T) {
	var w slab.Writer
	for range 10 {
		text := bytes.Repeat([]byte("burst"), 300)
		before := write(&w, string(text)) // in the same block
		data, block, tag := w.Copy(text, 300)
		after := write(&w, string(text))
		for i := range uint32(300) {
			block.Release(tag + i)
		}
		if block.Ended(tag) {
			t.Fatal("the generation has ended, and messages are held")
		}
		reuse()
		if !bytes.Equal(data, text) {
			t.Error("the burst was changed while its block was held")
		}
		before.intact(t)
		after.intact(t)
	}
}

func TestAFullBlockMakesRoomForAnother(t *testing.T) {
	var w slab.Writer
	var all []message
	for i := range 3 * slab.Slots() { // runs out of slots
		all = append(all, write(&w, fmt.Sprint(i)))
	}
	for i := range 100 { // runs out of bytes
		all = append(all, write(&w, string(bytes.Repeat([]byte{byte(i)}, 9000))))
	}
	all = append(all, write(&w, string(make([]byte, slab.MaxCopy))))
	for _, m := range all {
		m.intact(t)
	}
}

// Goroutines release messages at the same time, some twice, some a copy, some
// never, while others write. A message that is not released keeps its bytes.
func TestReleasesMayRace(t *testing.T) {
	var crowd sync.WaitGroup
	for g := range 8 {
		crowd.Go(func() {
			r := rand.New(rand.NewPCG(uint64(g), 0))
			var w slab.Writer
			var held []message
			var twice sync.WaitGroup
			for i := range 4000 {
				held = append(held, write(&w, fmt.Sprintf("%d of %d: %s", i, g, make([]byte, r.IntN(400)))))
				for len(held) > 50 {
					k := r.IntN(len(held))
					m := held[k]
					m.intact(t)
					held[k] = held[len(held)-1]
					held = held[:len(held)-1]
					switch r.IntN(3) {
					case 0: // left to the garbage collector
					case 1:
						twice.Go(m.release)
						twice.Go(m.release)
					default:
						m.release()
						m.release()
					}
				}
			}
			twice.Wait()
			for _, m := range held {
				m.intact(t)
			}
		})
	}
	crowd.Wait()
}
