package slab_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"example.com/dgram/internal/slab"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A message is one that lies in a block.
type message struct {
	data []byte
	life *slab.Life
	slot uint32
	want []byte
}

// write copies a text of its own for each message.
func write(w *slab.Writer, text string) message {
	data, life, slot := w.Copy([]byte(text), 1)
	return message{data, life, slot, []byte(text)}
}

func (m message) release() {
	if m.life != nil {
		m.life.Release(m.slot)
	}
}

// intact checks that nobody has touched the bytes.
func (m message) intact(t *testing.T) {
	t.Helper()
	if !bytes.Equal(m.data, m.want) {
		t.Errorf("%q became %q", m.want, m.data)
	}
}

// reuse takes blocks, as many as may have been recycled, and writes all over
// them.
func reuse() {
	for range 64 {
		b := slab.Take()
		for i := range b.Bytes()[:4096] {
			b.Bytes()[i] = 0xaa
		}
		defer slab.Return(b)
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
	if m := write(&w, ""); m.life != nil || m.data == nil || len(m.data) != 0 {
		t.Errorf("got %v in life %v", m.data, m.life)
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

func TestASecondReleaseReleasesNobodyElse(t *testing.T) {
	var w slab.Writer
	a, b := write(&w, "alpha"), write(&w, "beta")
	w.Seal()
	for range 2000 { // more often than a life has slots
		a.release()
	}
	if a.life.Ended() {
		t.Error("the life has ended, and a message is held")
	}
	reuse()
	b.intact(t)
}

func TestAStaleReleaseDoesNotReachTheNextLife(t *testing.T) {
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
		if next.life.Ended() {
			t.Fatal("the next life has ended, and its message is held")
		}
		next.release()
	}
}

func TestEveryNumberOfMessagesEndsALife(t *testing.T) {
	for n := 1; n <= slab.Slots(); n++ {
		life := slab.Share(slab.Take(), n)
		for slot := range n {
			if life.Ended() {
				t.Fatalf("of %d messages %d were released, and the life has ended", n, slot)
			}
			life.Release(uint32(slot))
		}
		if !life.Ended() {
			t.Fatalf("all of %d messages were released, and the life has not ended", n)
		}
	}
}

// A burst is copied as one, and each of its messages released by itself.
func TestABurstHasASlotForEachMessage(t *testing.T) {
	var w slab.Writer
	for range 10 {
		before := write(&w, "alpha")
		text := bytes.Repeat([]byte("burst"), 300)
		data, life, slot := w.Copy(text, 300)
		after := write(&w, "omega")
		for i := range 300 {
			life.Release(slot + uint32(i))
		}
		if life.Ended() {
			t.Fatal("the life has ended, and messages are held")
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
	all = append(all, write(&w, string(make([]byte, slab.Size))))
	for _, m := range all {
		m.intact(t)
	}
}

// Many release at once, some twice, some a copy, some never, while others
// write: whoever holds a message finds it as it was.
func TestReleasesMayRace(t *testing.T) {
	var crowd sync.WaitGroup
	for g := range 8 {
		crowd.Go(func() {
			r := rand.New(rand.NewPCG(uint64(g), 0))
			var w slab.Writer
			var held []message
			var twice sync.WaitGroup
			for i := range 4000 {
				held = append(held, write(&w, fmt.Sprintf("%d of %d: %s", i, g, make([]byte, r.IntN(200)))))
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
