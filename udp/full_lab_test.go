package udp_test

import (
	"context"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"example.com/dgram/internal/netlab"
	"example.com/dgram/udp"
)

// A full device queue drops without a word, unless the error queue is asked
// for: then a send waits until there is room.
func TestAFullDeviceQueueIsWaitedForWhereItIsKnown(t *testing.T) {
	lab, a, b := neighbors(t)
	lab.Must(a.Throttle("eth0", 2000, 2000, 3000))
	to := netip.AddrPortFrom(netip.MustParseAddr("10.77.0.2"), 9)
	lab.Must(a.AddNeighbor("eth0", "10.77.0.2", mac(t, b)))

	silent := listenOn(t, a, "udp4", "10.77.0.1:0", udp.WithWriteBuffer(1<<20))
	for range 20 {
		ok(t, silent.SendTo(t.Context(), to, make([]byte, 1000)))
	}
	same(t, "sent, of which most have vanished", silent.Stats().Sent, 20)

	told := listenOn(t, a, "udp4", "10.77.0.1:0", udp.WithWriteBuffer(1<<20), udp.WithICMPErrors())
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	var err error
	for err == nil {
		err = told.SendTo(ctx, to, make([]byte, 1000))
	}
	fails(t, err, context.DeadlineExceeded)
	if st := told.Stats(); st.Sent > 10 || st.WriteCalls > 200 {
		t.Errorf("%d sent in %d calls", st.Sent, st.WriteCalls)
	}
}

func mac(t *testing.T, h *netlab.Host) []byte {
	t.Helper()
	m, err := h.MAC("eth0")
	ok(t, err)
	return m
}

// A full send buffer holds up the sender, visibly, until its context or the
// socket ends.
func TestAFullSendBufferHoldsUpItsSender(t *testing.T) {
	lab, a, b := neighbors(t)
	lab.Must(a.Throttle("eth0", 1000, 2000, 1<<20), a.AddNeighbor("eth0", "10.77.0.2", mac(t, b)))
	to := netip.AddrPortFrom(netip.MustParseAddr("10.77.0.2"), 9)
	s := listenOn(t, a, "udp4", "10.77.0.1:0", udp.WithWriteBuffer(4608))
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	var err error
	for err == nil {
		err = s.SendTo(ctx, to, make([]byte, 1000))
	}
	fails(t, err, context.DeadlineExceeded)
	waiting := make(chan error, 10) // more senders than the device takes in the meantime
	for range cap(waiting) {
		go func() { waiting <- s.SendTo(context.Background(), to, make([]byte, 1000)) }()
	}
	eventually(t, "senders are seen to wait", func() bool { return s.SendQueueCount() > 5 && s.SendQueueSize() > 5000 })
	s.Close()
	refused := 0
	for range cap(waiting) {
		if err, _ := take(t, "a sender's error", waiting); err != nil {
			fails(t, err, net.ErrClosed)
			refused++
		}
	}
	if refused == 0 {
		t.Error("Close refused nobody")
	}
}

func TestPortsThatRunOutAreAnError(t *testing.T) {
	lab, a, _ := neighbors(t)
	lab.Must(a.SetSysctl("net.ipv4.ip_local_port_range", "40000 40003"))
	var all []*udp.Socket
	for range 4 {
		all = append(all, listenOn(t, a, "udp4", "10.77.0.1:0"))
	}
	err := a.Do(func() error {
		_, err := udp.Listen(t.Context(), "udp4", "10.77.0.1:0")
		return err
	})
	fails(t, err, syscall.EADDRINUSE)
	err = a.Do(func() error {
		s, err := udp.Dial(t.Context(), "udp4", "10.77.0.2:9")
		if err == nil {
			s.Close()
		}
		return err
	})
	fails(t, err, syscall.EADDRINUSE)
	all[0].Close()
	listenOn(t, a, "udp4", "10.77.0.1:0")
}
