package udp_test

import (
	"bytes"
	"context"
	"testing"

	"example.com/dgram/udp"
)

// Bursts that wait when a descriptor is shared arrive as the datagrams that they were
// sent as, whoever reads at that moment.
func TestOffloadThatIsTurnedOffGluesNothing(t *testing.T) {
	const size, each, bursts = 1000, 10, 4
	for name, share := range map[string]func(t *testing.T, s *udp.Socket){
		"File": func(t *testing.T, s *udp.Socket) {
			f, err := s.File()
			supported(t, err)
			t.Cleanup(func() { f.Close() })
		},
		"PacketConn": func(_ *testing.T, s *udp.Socket) { s.PacketConn() },
	} {
		for how, receive := range map[string]func(s *udp.Socket) (udp.Message, error){
			"Messages": func(s *udp.Socket) (udp.Message, error) { return <-s.Messages(), nil },
			"Receive":  func(s *udp.Socket) (udp.Message, error) { return s.Receive(context.Background()) },
			"TryReceive": func(s *udp.Socket) (m udp.Message, err error) {
				for there := false; !there; {
					m, there = s.TryReceive()
				}
				return m, nil
			},
		} {
			t.Run(name+" "+how, func(t *testing.T) {
				s := listen(t, "udp4", "127.0.0.1:0", udp.WithMessageBuffer(1))
				from := listen(t, "udp4", "127.0.0.1:0")
				send(t, from, at(t, s), "first")
				m, err := receive(s) // which turns offload on
				ok(t, err)
				same(t, "message", string(m.Data), "first")
				batch := make([]udp.Datagram, each)
				for i := range batch {
					batch[i] = udp.Datagram{To: at(t, s), Data: bytes.Repeat([]byte{byte(i)}, size)}
				}
				for range bursts {
					_, err := from.SendBatch(t.Context(), batch)
					ok(t, err)
				}
				share(t, s)
				for i := range bursts * each {
					m, err := receive(s)
					ok(t, err)
					if len(m.Data) != size || m.Data[0] != byte(i%each) || m.Data[size-1] != byte(i%each) {
						t.Fatalf("datagram %d has %d bytes of %d", i, len(m.Data), m.Data[0])
					}
				}
			})
		}
	}
}

// The same under load: whoever shares the descriptor while bursts arrive.
func TestOffloadIsTurnedOffUnderLoad(t *testing.T) {
	if portable {
		t.Skip("the portable path has no receive offload")
	}
	const size, n, rounds = 500, 64, 50
	for range rounds {
		s := listen(t, "udp4", "127.0.0.1:0")
		from := dial(t, "udp4", at(t, s))
		messages := s.Messages()
		ctx, enough := context.WithCancel(t.Context())
		sent := later(func() error {
			batch := make([]udp.Datagram, n)
			for i := range batch {
				batch[i].Data = make([]byte, size)
			}
			for ctx.Err() == nil { // a receiver that is slow drops what its buffer does not hold
				if _, err := from.SendBatch(ctx, batch); err != nil && ctx.Err() == nil {
					return err
				}
			}
			return nil
		})
		for k := range 200 {
			m, _ := take(t, "message", messages)
			same(t, "size", len(m.Data), size)
			if k == 20 {
				s.PacketConn()
			}
		}
		enough()
		err, _ := take(t, "sender", sent)
		ok(t, err)
		s.Close()
	}
}
