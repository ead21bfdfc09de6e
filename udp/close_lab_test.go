package udp_test

import (
	"context"
	"testing"

	"example.com/dgram/internal/host"
	"example.com/dgram/internal/kernel"
	"example.com/dgram/internal/netlab"
	"example.com/dgram/udp"
)

// A patientSystem is the host's, whose sockets discard in two steps: what lies in the
// buffer, and what the CPUs were delivering meanwhile.
type patientSystem struct{ host.System }

func (p patientSystem) Open(cfg kernel.Config) (kernel.Conn, error) {
	c, err := p.System.Open(cfg)
	return patientConn{c}, err
}

type patientConn struct{ kernel.Conn }

func (c patientConn) Discard() uint64 {
	n := c.Conn.Discard()
	if err := netlab.Delivered(); err != nil {
		panic(err) // the test has asked before
	}
	return n + c.Conn.Discard()
}

// A flood that goes on while the socket closes: what came before the end is
// counted, what came after is the kernel's to refuse. Close does not wait for a
// datagram that a CPU has found the socket for and not yet put into its buffer. The
// test waits for it, and then not one is missing.
func TestClosingUnderAFloodLosesCountOfNothing(t *testing.T) {
	if portable {
		t.Skip("this path does not say what the kernel drops")
	}
	if err := netlab.Delivered(); err != nil {
		t.Skip(err)
	}
	lab := netlab.New(t)
	h := lab.Host("h")
	for range 20 {
		s := netlab.On(h, func() (*udp.Socket, error) {
			return udp.ListenOn(t.Context(), patientSystem{}, "udp4", "127.0.0.1:0", udp.WithOffload(false), udp.WithReadBuffer(16<<10))
		})
		to := at(t, s)
		from := listenOn(t, h, "udp4", "127.0.0.1:0")
		before, err := h.UDPCounters()
		ok(t, err)
		messages := s.Messages()
		stop := make(chan struct{})
		flooding := begin(func() {
			for { // one by one: of a burst for nobody the kernel counts one
				select {
				case <-stop:
					return
				default:
				}
				if err := from.SendTo(context.Background(), to, make([]byte, 50)); err != nil {
					t.Error(err)
					return
				}
			}
		})
		for range 100 {
			take(t, "message", messages)
		}
		s.Close()
		close(stop)
		ended(t, "flood", flooding)
		arrived(t)
		after, err := h.UDPCounters()
		ok(t, err)
		// The last datagrams are turned away while the descriptor closes, when
		// nobody can ask it any more for its drops: the host's count has them.
		st := s.Stats()
		late, dropped := after.NoPorts-before.NoPorts, after.InErrors-before.InErrors
		if sent, counted := from.Stats().Sent, sum(st)-st.DroppedKernel+dropped+late; sent != counted || st.DroppedKernel > dropped {
			t.Errorf("sent %d, came after the end %d, dropped by the host %d: %+v: %d are missing", sent, late, dropped, st, int64(sent-counted))
		}
	}
}
