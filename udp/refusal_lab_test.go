package udp_test

import (
	"errors"
	"net/netip"
	"os/exec"
	"slices"
	"syscall"
	"testing"

	"example.com/dgram/internal/netlab"
	"example.com/dgram/udp"
)

func TestADatagramLongerThanThePathIsAnError(t *testing.T) {
	lab, a, router, b := routed(t)
	lab.Must(router.SetMTU("right", 1280), b.SetMTU("eth0", 1280))
	receiver := listenOn(t, b, "udp4", "10.77.2.2:0")
	to := at(t, receiver)
	s := listenOn(t, a, "udp4", "10.77.1.1:0", udp.WithDontFragment())

	fails(t, s.SendTo(t.Context(), to, make([]byte, 1473)), syscall.EMSGSIZE) // longer than the link
	var err error
	eventually(t, "the router says how long a datagram may be", func() bool {
		err = s.SendTo(t.Context(), to, make([]byte, 1400))
		return err != nil
	})
	fails(t, err, syscall.EMSGSIZE)
	shaped(t, err, "send", to.String())
	ok(t, s.SendTo(t.Context(), to, make([]byte, 1252)))
	same(t, "size of what arrives", len(next(t, receiver).Data), 1252)
}

// Bursts that no segment of the path takes go out as plain datagrams.
func TestABurstFitsEveryPath(t *testing.T) {
	lab, a, router, b := routed(t)
	lab.Must(router.SetMTU("right", 1280), b.SetMTU("eth0", 1280), a.SetSysctl("net.ipv4.ip_no_pmtu_disc", "1"))
	receiver := listenOn(t, b, "udp4", "10.77.2.2:0", udp.WithReadBuffer(1<<20))
	receiver.Messages()
	granted, err := receiver.ReadBuffer()
	ok(t, err)
	s := listenOn(t, a, "udp4", "10.77.1.1:0")
	for _, size := range []int{1000, 1400, 1472, 1473, 3000, 20000} {
		var all []udp.Datagram
		for i := range 20 {
			all = append(all, udp.Datagram{To: at(t, receiver), Data: append(make([]byte, size-1), byte(i))})
		}
		// Fragments take more than twice their bytes of a buffer that has twice what
		// ReadBuffer says. A stock one holds five datagrams of 20000 bytes, but not 20.
		room := max(2, granted/(2*size+2048))
		for batch := range slices.Chunk(all, room) {
			n, err := s.SendBatch(t.Context(), batch)
			ok(t, err)
			same(t, "sent", n, len(batch))
			for _, sent := range batch {
				m, i := next(t, receiver), sent.Data[size-1]
				if len(m.Data) != size || m.Data[size-1] != i {
					t.Fatalf("datagram %d of %d bytes is number %d with %d bytes", i, size, m.Data[len(m.Data)-1], len(m.Data))
				}
			}
		}
	}
}

// What a router says about a datagram is news, not a failure of the next.
func TestWhatRoutersSayIsOnErrors(t *testing.T) {
	for name, how := range map[string]netlab.Refusal{"unreachable": netlab.Unreachable, "prohibit": netlab.Prohibit, "blackhole": netlab.Blackhole} {
		t.Run(name, func(t *testing.T) {
			lab, a, router, b := routed(t)
			receiver := listenOn(t, b, "udp4", "10.77.2.2:0")
			var opts []udp.Option
			if how == netlab.Unreachable { // may pass, so that the kernel says it to those who ask
				opts = append(opts, udp.WithICMPErrors())
			}
			s := dialOn(t, a, at(t, receiver), opts...)
			s.Messages()
			lab.Must(router.RemoveRoute("10.77.2.0/24"), router.AddRefusal("10.77.2.0/24", how))
			for range 5 {
				send(t, s, netip.AddrPort{}, "lost on the way")
			}
			if how != netlab.Blackhole {
				err, _ := take(t, "what the router says", s.Errors())
				fails(t, err, syscall.EHOSTUNREACH)
				shaped(t, err, "read", at(t, receiver).String())
			}
			arrived(t) // at the router, all five
			lab.Must(router.RemoveRoute("10.77.2.0/24"), router.AddDeviceRoute("10.77.2.0/24", "right"))
			receiver.Messages()
			send(t, s, netip.AddrPort{}, "arrives")
			expect(t, receiver, "arrives")
			same(t, "cause", s.Err(), nil)
		})
	}
}

// refuse expects an errno of every way to send, and nothing of the sort of the
// next send to somewhere else.
func refuse(t *testing.T, s *udp.Socket, to, good netip.AddrPort, receiver *udp.Socket, errno syscall.Errno) {
	t.Helper()
	fails(t, s.SendTo(t.Context(), to, []byte("no")), errno)
	n, err := s.SendBatch(t.Context(), []udp.Datagram{{To: good, Data: []byte("before")}, {To: to, Data: []byte("no")}, {To: good, Data: []byte("past it")}})
	fails(t, err, errno)
	same(t, "sent of the batch", n, 2)
	out := s.Outbox()
	out <- udp.Datagram{To: to, Data: []byte("no")}
	out <- udp.Datagram{To: good, Data: []byte("behind")}
	ok(t, s.Flush(t.Context()))
	failed, _ := take(t, "error of the queued datagram", s.Errors())
	fails(t, failed, errno)
	var sendError *udp.SendError
	if !errors.As(failed, &sendError) || sendError.To != to || sendError.Bytes != 2 {
		t.Errorf("%v does not say which datagram", failed)
	}
	send(t, s, good, "after")
	expect(t, receiver, "before", "past it", "behind", "after")
}

func TestARouteThatRefusesIsAnErrorOfThisSend(t *testing.T) {
	lab, a, b := neighbors(t)
	lab.Must(
		a.AddRefusal("10.88.1.0/24", netlab.Unreachable),
		a.AddRefusal("10.88.2.0/24", netlab.Prohibit),
		a.AddRefusal("10.88.3.0/24", netlab.Blackhole),
	)
	receiver := listenOn(t, b, "udp4", "10.77.0.2:0")
	receiver.Messages()
	s := listenOn(t, a, "udp4", "10.77.0.1:0")
	for to, errno := range map[string]syscall.Errno{
		"10.88.1.1:9": syscall.EHOSTUNREACH, "10.88.2.1:9": syscall.EACCES,
		"10.88.3.1:9": syscall.EINVAL, "10.99.0.1:9": syscall.ENETUNREACH,
	} {
		refuse(t, s, netip.MustParseAddrPort(to), at(t, receiver), receiver, errno)
	}
	same(t, "dropped", s.Stats().SendDropped, 4)
}

// filter loads rules into a host's firewall, where there is a program for it.
func filter(t *testing.T, h *netlab.Host, rules string) {
	t.Helper()
	err := h.Filter(rules)
	if errors.Is(err, exec.ErrNotFound) {
		t.Skip(err)
	}
	ok(t, err)
}

func TestAFirewallThatRefusesIsAnErrorOfThisSend(t *testing.T) {
	_, a, b := neighbors(t)
	filter(t, a, `table ip f {
		chain out { type filter hook output priority 0; udp dport 9 drop; }
	}`)
	receiver := listenOn(t, b, "udp4", "10.77.0.2:0")
	receiver.Messages()
	s := listenOn(t, a, "udp4", "10.77.0.1:0")
	refuse(t, s, netip.MustParseAddrPort("10.77.0.2:9"), at(t, receiver), receiver, syscall.EPERM)
}
