package udp_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"example.com/dgram/internal/host"
	"example.com/dgram/internal/kernel"
	"example.com/dgram/internal/netlab"
	"example.com/dgram/udp"
)

// Faults of networks, made for real between hosts of a lab.

// listenOn makes a socket on a host.
func listenOn(t *testing.T, h *netlab.Host, network, address string, opts ...udp.Option) *udp.Socket {
	t.Helper()
	leakless(t)
	var s *udp.Socket
	err := h.Do(func() (err error) {
		s, err = udp.Listen(t.Context(), network, address, opts...)
		return err
	})
	return mine(t, s, err)
}

// dialOn makes a connected socket on a host.
func dialOn(t *testing.T, h *netlab.Host, to netip.AddrPort, opts ...udp.Option) *udp.Socket {
	t.Helper()
	leakless(t)
	var s *udp.Socket
	err := h.Do(func() (err error) {
		s, err = udp.Dial(t.Context(), "udp4", to.String(), opts...)
		return err
	})
	return mine(t, s, err)
}

// neighbors are two hosts with a cable between them: 10.77.0.1 and 10.77.0.2.
func neighbors(t *testing.T) (lab *netlab.Lab, a, b *netlab.Host) {
	t.Helper()
	lab = netlab.New(t)
	a, b = lab.Host("a"), lab.Host("b")
	lab.Link(a.Port("eth0", "10.77.0.1/24"), b.Port("eth0", "10.77.0.2/24"))
	return lab, a, b
}

// routed are two hosts with a router between them: 10.77.1.1 and 10.77.2.2.
func routed(t *testing.T) (lab *netlab.Lab, a, router, b *netlab.Host) {
	t.Helper()
	lab = netlab.New(t)
	a, router, b = lab.Host("a"), lab.Host("router"), lab.Host("b")
	lab.Link(a.Port("eth0", "10.77.1.1/24"), router.Port("left", "10.77.1.254/24"))
	lab.Link(router.Port("right", "10.77.2.254/24"), b.Port("eth0", "10.77.2.2/24"))
	lab.Must(
		router.Forward(),
		router.SetSysctl("net.ipv4.icmp_ratelimit", "0"),
		a.AddRoute("0.0.0.0/0", "10.77.1.254"),
		b.AddRoute("0.0.0.0/0", "10.77.2.254"),
	)
	return lab, a, router, b
}

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
	s := listenOn(t, a, "udp4", "10.77.1.1:0")
	for _, size := range []int{1000, 1400, 1472, 1473, 3000, 20000} {
		var batch []udp.Datagram
		for i := range 20 {
			batch = append(batch, udp.Datagram{To: at(t, receiver), Data: append(make([]byte, size-1), byte(i))})
		}
		n, err := s.SendBatch(t.Context(), batch)
		ok(t, err)
		same(t, "sent", n, len(batch))
		for i := range batch {
			m := next(t, receiver)
			if len(m.Data) != size || m.Data[size-1] != byte(i) {
				t.Fatalf("datagram %d of %d bytes is number %d with %d bytes", i, size, m.Data[len(m.Data)-1], len(m.Data))
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

// An interface that was made again under its name is found under its name.
func TestAZoneIsTheInterfaceOfThatNameNow(t *testing.T) {
	netlab.RequireIPv6(t)
	if portable {
		t.Skip("package net asks the namespace of the process for interfaces, not the socket's")
	}
	lab, a, b := neighbors(t)
	s := listenOn(t, a, "udp6", "[::]:0")
	receiver := listenOn(t, b, "udp6", "[::]:0")
	receiver.Messages()
	target := func() netip.AddrPort {
		ip, err := b.LinkLocal("eth0")
		ok(t, err)
		return netip.AddrPortFrom(ip.WithZone("eth0"), at(t, receiver).Port())
	}
	send(t, s, target(), "first")
	expect(t, receiver, "first")

	old := target()
	lab.Must(a.Delete("eth0"))
	fails(t, s.SendTo(t.Context(), old, []byte("nowhere")), syscall.ENODEV)
	lab.Link(a.Port("other", "10.78.0.1/24"), b.Port("other", "10.78.0.2/24")) // takes an index
	lab.Link(a.Port("eth0", "10.77.0.1/24"), b.Port("eth0", "10.77.0.2/24"))
	send(t, s, target(), "second")
	m := next(t, receiver)
	same(t, "message", string(m.Data), "second")
	same(t, "zone of the sender", m.From.Addr().Zone(), "eth0")
}

// What a source says about itself is not true because it says so. The kernel
// lets much of it through, and answers go nowhere they should not.
func TestASourceMayBeForged(t *testing.T) {
	lab, a, b := neighbors(t)
	s := listenOn(t, b, "udp4", "0.0.0.0:0", udp.WithOffload(false))
	s.Messages()
	to := netip.AddrPortFrom(netip.MustParseAddr("10.77.0.2"), at(t, s).Port())
	lab.Must(b.AddRoute("0.0.0.0/0", "10.77.0.1"), b.SetSysctl("net.ipv4.conf.eth0.rp_filter", "0"), b.SetSysctl("net.ipv4.conf.all.rp_filter", "0"))
	for _, from := range []string{"203.0.113.9:53", "203.0.113.9:0", "10.77.0.255:53"} {
		forged := netlab.Forgery{MAC: mac(t, b), From: netip.MustParseAddrPort(from), To: to, Payload: []byte(from)}
		lab.Must(a.Inject("eth0", forged.Frame()))
		m := next(t, s)
		same(t, "source", m.From, forged.From)
		err := s.Reply(t.Context(), m, []byte("who are you?"))
		switch from {
		case "203.0.113.9:53":
			ok(t, err)
		case "203.0.113.9:0":
			fails(t, err, udp.ErrBadPort)
		default: // everybody on the network would get the answer
			fails(t, err, syscall.EACCES)
		}
	}
}

// What is broken on the wire the kernel keeps to itself, and counts.
func TestBrokenDatagramsAreTheKernelsAffair(t *testing.T) {
	lab, a, b := neighbors(t)
	s := listenOn(t, b, "udp4", "10.77.0.2:0", udp.WithOffload(false))
	s.Messages()
	from := netip.MustParseAddrPort("10.77.0.1:53")
	before, err := b.UDPCounters()
	ok(t, err)
	for _, f := range []netlab.Forgery{
		{Payload: []byte("wrong sum"), Checksum: 1},
		{Payload: []byte("too long"), Length: 100},
		{Payload: []byte("good")},
		{Payload: []byte("good, and cut"), Length: 8 + 4},
		{Payload: []byte("the end")},
	} {
		f.MAC, f.From, f.To = mac(t, b), from, at(t, s)
		lab.Must(a.Inject("eth0", f.Frame()))
	}
	expect(t, s, "good", "good", "the end")
	after, err := b.UDPCounters()
	ok(t, err)
	same(t, "wrong checksums", after.InCsumErrors-before.InCsumErrors, 1)
}

// What the network doubles, swaps or loses is passed on as it comes.
func TestDoublesAndDisorderPassThrough(t *testing.T) {
	lab, a, b := neighbors(t)
	s := listenOn(t, b, "udp4", "10.77.0.2:0")
	s.Messages()
	order := []string{"1", "2", "2", "4", "3", "7", "6"}
	for _, text := range order {
		f := netlab.Forgery{MAC: mac(t, b), From: netip.MustParseAddrPort("10.77.0.1:53"), To: at(t, s), Payload: []byte(text)}
		lab.Must(a.Inject("eth0", f.Frame()))
	}
	expect(t, s, order...)
	received(t, s, uint64(len(order)))
}

// A socket that an administrator destroys is not silently deaf.
func TestAnAdministratorEndsTheSocket(t *testing.T) {
	_, a, _ := neighbors(t)
	for name, read := range map[string]func(*udp.Socket){
		"Messages": func(s *udp.Socket) { s.Messages() },
		"All": func(s *udp.Socket) {
			go func() {
				for range s.All(context.Background()) {
				}
			}()
		},
		"PacketConn": func(s *udp.Socket) {
			v := s.PacketConn()
			go func() {
				for err := error(nil); err == nil; {
					_, _, err = v.ReadFrom(make([]byte, 10))
				}
			}()
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := listenOn(t, a, "udp4", "10.77.0.1:0")
			where := at(t, s)
			read(s)
			err := a.DestroySocket(where, netip.AddrPort{})
			if errors.Is(err, syscall.EOPNOTSUPP) || errors.Is(err, syscall.ENOENT) {
				t.Skip(err) // a kernel without INET_DIAG_DESTROY
			}
			ok(t, err)
			ended(t, "end of the socket", s.Done())
			fails(t, s.Err(), syscall.ECONNABORTED)
		})
	}
}

// The address under a socket may go and come back; the socket is there still.
func TestAnAddressThatGoesAwayEndsNothing(t *testing.T) {
	lab, a, b := neighbors(t)
	receiver := listenOn(t, b, "udp4", "10.77.0.2:0")
	receiver.Messages()
	s := listenOn(t, a, "udp4", "10.77.0.1:0")
	s.Messages()
	lab.Must(a.RemoveAddress("eth0", "10.77.0.1/24"))
	fails(t, s.SendTo(t.Context(), at(t, receiver), []byte("nowhere")), syscall.ENETUNREACH)
	lab.Must(a.AddAddress("eth0", "10.77.0.1/24"))
	send(t, s, at(t, receiver), "back")
	expect(t, receiver, "back")
	send(t, receiver, at(t, s), "and forth")
	expect(t, s, "and forth")
}

func TestAnInterfaceThatGoesDownEndsNothing(t *testing.T) {
	lab, a, b := neighbors(t)
	receiver := listenOn(t, b, "udp4", "10.77.0.2:0")
	receiver.Messages()
	s := listenOn(t, a, "udp4", "0.0.0.0:0")
	send(t, s, at(t, receiver), "up")
	expect(t, receiver, "up")
	lab.Must(a.Down("eth0"))
	fails(t, s.SendTo(t.Context(), at(t, receiver), []byte("down")), syscall.ENETUNREACH)
	lab.Must(a.Up("eth0"), a.Settle("eth0"))
	send(t, s, at(t, receiver), "up again")
	expect(t, receiver, "up again")
	same(t, "errors", s.Stats().Errors, 0)
}

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

// A socket that is bound to a device, or to an address with a zone, holds the name: a
// device that is made again is bound again, and while it is gone Errors says so.
func TestADeviceThatIsMadeAgainIsBoundAgain(t *testing.T) {
	if portable {
		t.Skip("the portable path looks for devices in the namespace of the calling goroutine")
	}
	for name, c := range map[string]struct {
		network, address, peer string
		opts                   []udp.Option
	}{
		"WithInterface": {"udp4", "0.0.0.0:6700", "10.77.0.1", []udp.Option{udp.WithInterface("eth0")}},
		"dual-stack":    {"udp6", "[::]:6700", "10.77.0.1", []udp.Option{udp.WithInterface("eth0")}},
		"zone":          {"udp6", "[fe80::77%eth0]:6700", "fe80::77", nil},
	} {
		t.Run(name, func(t *testing.T) {
			netlab.RequireIPv6(t)
			lab := netlab.New(t)
			a, b := lab.Host("a"), lab.Host("b")
			cable := func() {
				lab.Link(a.Port("eth0", "10.77.0.1/24", "fe80::77/64"), b.Port("eth0", "10.77.0.2/24"))
			}
			cable()
			s := listenOn(t, a, c.network, c.address, c.opts...)
			messages := s.Messages()
			arrives := func() bool {
				index, err := b.Index("eth0")
				ok(t, err)
				to := net.UDPAddr{IP: net.ParseIP(c.peer), Port: 6700}
				if to.IP.To4() == nil {
					to.Zone = fmt.Sprint(index)
				}
				var from net.PacketConn
				ok(t, b.Do(func() (err error) {
					from, err = net.ListenPacket("udp", ":0")
					return err
				}))
				defer from.Close()
				if _, err := from.WriteTo([]byte("hello"), &to); err != nil {
					return false
				}
				select {
				case <-messages:
					return true
				case <-time.After(50 * time.Millisecond):
					return false
				}
			}
			eventually(t, "a datagram arrives", arrives)
			for range 2 {
				lab.Must(a.Delete("eth0"))
				err, _ := take(t, "what has become of the device", s.Errors())
				fails(t, err, syscall.ENODEV)
				cable()
				eventually(t, "a datagram arrives at the device that was made again", arrives)
			}
			same(t, "cause", s.Err(), nil)
			empty(t, "errors", s.Errors())
		})
	}
}
