//go:build dgram_debug

package slab_test

import (
	"bytes"
	"testing"

	"example.com/dgram/internal/slab"
)

func TestReleasedBytesArePoisoned(t *testing.T) {
	var w slab.Writer
	a, b := write(&w, "alpha"), write(&w, "beta")
	w.Seal()
	a.release()
	b.intact(t)
	b.release()
	if poison := bytes.Repeat([]byte{0xdb}, 4); !bytes.Equal(b.data, poison) {
		t.Errorf("released bytes are %x, want %x", b.data, poison)
	}
}
