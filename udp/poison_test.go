//go:build dgram_debug

package udp_test

import (
	"bytes"
	"testing"

	"example.com/dgram/udp"
)

// Under dgram_debug released bytes are overwritten, so that who still reads
// them notices.
func TestReleasedBytesArePoisoned(t *testing.T) {
	f := families()[0]
	for _, size := range []int{1200, 60000} {
		s := listen(t, f.network, f.local())
		from := dial(t, f.network, at(t, s))
		var kept []udp.Message
		for i := range 250 { // whole blocks are released, not single messages, and may be filled again
			ok(t, from.Send(t.Context(), bytes.Repeat([]byte{byte(i)}, size)))
			m := next(t, s)
			kept = append(kept, m)
			m.Release()
		}
		ok(t, s.Close())
		poisoned := 0
		for i, m := range kept {
			if !bytes.Equal(m.Data, bytes.Repeat([]byte{byte(i)}, size)) {
				poisoned++
			}
		}
		if poisoned == 0 {
			t.Errorf("%d bytes: nobody would notice", size)
		}
	}
}
