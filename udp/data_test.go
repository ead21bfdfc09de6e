package udp_test

import (
	"bytes"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"weak"

	"example.com/dgram/udp"
)

// The bytes are the receiver's: nothing that arrives later changes them.
func TestDataIsTheReceiversToKeep(t *testing.T) {
	for name, read := range readings {
		for _, size := range []int{1, 64, 1200, 8192, 30000} {
			t.Run(fmt.Sprint(name, " ", size), func(t *testing.T) {
				f := families()[0]
				s := listen(t, f.network, f.local(), udp.WithReadBuffer(1<<20))
				in := start(t, read(t, s))
				from := dial(t, f.network, at(t, s))
				var kept []udp.Message
				for i := range 64 {
					ok(t, from.Send(t.Context(), bytes.Repeat([]byte{byte(i)}, size)))
					m, _ := take(t, "message", in.messages)
					kept = append(kept, m)
				}
				for i, m := range kept {
					if !bytes.Equal(m.Data, bytes.Repeat([]byte{byte(i)}, size)) {
						t.Fatalf("message %d has changed", i)
					}
					clear(m.Data) // to change, too
					if extra := append(m.Data, 0xff); len(extra) != size+1 {
						t.Fatal("not to append to")
					}
				}
				runtime.GC()
				for i, m := range kept {
					if slices.ContainsFunc(m.Data, func(b byte) bool { return b != 0 }) {
						t.Fatalf("message %d shares its bytes with another", i)
					}
				}
			})
		}
	}
}

// Appending to one message's Data never reaches another's.
func TestDataIsCappedToItsLength(t *testing.T) {
	for _, offload := range []bool{true, false} {
		f := families()[0]
		s := listen(t, f.network, f.local(), udp.WithOffload(offload))
		from := dial(t, f.network, at(t, s))
		batch := make([]udp.Datagram, 20)
		for i := range batch {
			batch[i].Data = []byte(fmt.Sprintf("%01000d", i))
		}
		_, err := from.SendBatch(t.Context(), batch)
		ok(t, err)
		for range batch {
			if m := next(t, s); cap(m.Data) != len(m.Data) {
				t.Errorf("%d bytes have room for %d", len(m.Data), cap(m.Data))
			}
		}
	}
}

func TestMaxDatagramCutsOff(t *testing.T) {
	for _, size := range []int{1, 10, 1000, 8192, 20000} {
		for name, read := range readings {
			t.Run(fmt.Sprint(name, " ", size), func(t *testing.T) {
				f := families()[0]
				s := listen(t, f.network, f.local(), udp.WithMaxDatagram(size))
				in := start(t, read(t, s))
				from := dial(t, f.network, at(t, s))
				// One by one, and as a burst.
				for _, n := range []int{size - 1, size, size + 1, 2 * size} {
					ok(t, from.Send(t.Context(), []byte(big(n))))
					m, _ := take(t, "message", in.messages)
					same(t, "length", len(m.Data), min(n, size))
					if name != "ReadFrom" {
						same(t, "Truncated", m.Truncated, n > size)
					}
				}
				batch := make([]udp.Datagram, 3)
				for i := range batch {
					batch[i].Data = []byte(big(size + 5))
				}
				_, err := from.SendBatch(t.Context(), batch)
				ok(t, err)
				for range batch {
					m, _ := take(t, "message", in.messages)
					same(t, "length", len(m.Data), size)
				}
				received(t, s, 7)
				st := s.Stats()
				same(t, "Truncated", st.Truncated, 5)
				same(t, "ReceivedBytes", st.ReceivedBytes, uint64(7*size-1))
			})
		}
	}
}

// What was handed over is the receiver's alone: a socket that waits holds on to
// nothing of it.
func TestAQuietSocketForgetsWhatItHandedOver(t *testing.T) {
	if portable {
		t.Skip("this path reads one datagram at a time")
	}
	const large = 20000 // handed over as it was read, in memory of its own
	f := families()[0]
	for name, read := range map[string]func(*udp.Socket, int) []udp.Message{
		"All": func(s *udp.Socket, n int) (got []udp.Message) {
			for m, err := range s.All(t.Context()) {
				ok(t, err)
				if got = append(got, m); len(got) == n {
					break
				}
			}
			return got
		},
		"Messages": func(s *udp.Socket, n int) (got []udp.Message) {
			for range n {
				got = append(got, next(t, s))
			}
			return got
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := listen(t, f.network, f.local(), udp.WithMessageBuffer(1))
			from := std(t, f)
			for range 3 {
				tell(t, from, at(t, s), big(large))
			}
			var third weak.Pointer[byte]
			func() {
				got := read(s, 3)
				third = weak.Make(&got[2].Data[0])
			}()
			for range 3 { // what the next reads need is not what the last ones brought
				tell(t, from, at(t, s), "x")
				read(s, 1)
			}
			eventually(t, "the third is collected", func() bool {
				runtime.GC()
				return third.Value() == nil
			})
		})
	}
}
