//go:build dgram_debug

package slab

// poison overwrites released bytes, so that a read after Release is noticed.
func poison(mem []byte) {
	for i := range mem {
		mem[i] = 0xdb
	}
}
