package udp_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"example.com/dgram/internal/netlab"
	"example.com/dgram/udp"
)

// ICMP of every type and code, about datagrams of a socket that has a healthy
// conversation.

// icmpKind is a type and code of ICMP.
type icmpKind struct{ kind, code uint8 }

// icmpKinds are those that a host can be sent about a datagram, and some that are
// assigned to nothing.
func icmpKinds(network string) (all []icmpKind) {
	if network == "udp4" {
		for code := range uint8(18) {
			all = append(all, icmpKind{3, code})
		}
		return append(all, icmpKind{4, 0}, icmpKind{5, 0}, icmpKind{5, 1}, icmpKind{11, 0}, icmpKind{11, 1}, icmpKind{11, 2},
			icmpKind{12, 0}, icmpKind{12, 1}, icmpKind{12, 2}, icmpKind{12, 3}, icmpKind{6, 0}, icmpKind{44, 0}, icmpKind{255, 255})
	}
	for code := range uint8(10) {
		all = append(all, icmpKind{1, code})
	}
	return append(all, icmpKind{2, 0}, icmpKind{2, 1}, icmpKind{3, 0}, icmpKind{3, 1}, icmpKind{3, 2}, icmpKind{4, 0}, icmpKind{4, 1}, icmpKind{4, 2},
		icmpKind{4, 3}, icmpKind{4, 10}, icmpKind{5, 0}, icmpKind{100, 0}, icmpKind{127, 0}, icmpKind{137, 0})
}

// queued reports whether Linux puts an error of this kind into the error queue.
func (k icmpKind) queued(network string) bool {
	if network == "udp4" {
		return k.kind == 3 && k.code <= 15 || k.kind == 11 && k.code != 1 || k.kind == 12
	}
	return k.kind >= 1 && k.kind <= 4
}

// An icmpCase is a socket of a kind, whom it talks to, and how it is read.
type icmpCase struct {
	name, network string // of the socket
	peer          string // network of the peer
	options       []udp.Option
	connected     bool
	queue         bool // WithICMPErrors
}

func icmpCases() (all []icmpCase) {
	for _, f := range []struct{ network, peer string }{{"udp4", "udp4"}, {"udp6", "udp6"}, {"udp", "udp4"}, {"udp", "udp6"}} {
		for _, c := range []icmpCase{
			{name: "unconnected"},
			{name: "connected", connected: true},
			{name: "ICMPErrors", queue: true, options: []udp.Option{udp.WithICMPErrors()}},
			{name: "connected ICMPErrors", queue: true, connected: true, options: []udp.Option{udp.WithICMPErrors()}},
			{name: "DontFragment", options: []udp.Option{udp.WithDontFragment()}},
			{name: "both", queue: true, options: []udp.Option{udp.WithICMPErrors(), udp.WithDontFragment()}},
		} {
			c.network, c.peer = f.network, f.peer
			all = append(all, c)
		}
	}
	return all
}

func (c icmpCase) String() string { return fmt.Sprintf("%s to %s %s", c.network, c.peer, c.name) }

// icmpHost is a host with loopback addresses of which one has a bad path.
func icmpHost(t *testing.T) *netlab.Host {
	t.Helper()
	netlab.RequireIPv6(t)
	lab := netlab.New(t)
	h := lab.Host("a")
	lab.Must(h.AddAddress("lo", "fd00::1/128"), h.AddAddress("lo", "fd00::2/128"))
	return h
}

var (
	peerAddr  = map[string]string{"udp4": "127.0.0.2", "udp6": "fd00::1"}
	otherAddr = map[string]string{"udp4": "127.0.0.3", "udp6": "fd00::2"}
	localAddr = map[string]string{"udp4": "127.0.0.1", "udp6": "::1", "udp": "::"}
)

// stdOn is a socket of package net on a host.
func stdOn(t *testing.T, h *netlab.Host, network, address string) *net.UDPConn {
	t.Helper()
	var c net.PacketConn
	ok(t, h.Do(func() (err error) {
		c, err = net.ListenPacket(network, net.JoinHostPort(address, "0"))
		return err
	}))
	t.Cleanup(func() { c.Close() })
	return c.(*net.UDPConn)
}

// TestICMPMatrix forges ICMP of every type and code about a healthy conversation:
// every family, every kind of socket, every way to receive. Nothing is lost, no send
// fails, the socket lives, what is said is attributed, and bursts to others are bursts.
func TestICMPMatrix(t *testing.T) {
	h := icmpHost(t)
	forgers := map[string]*netlab.ICMPForger{}
	peers, others := map[string]*net.UDPConn{}, map[string]*udp.Socket{}
	for _, network := range []string{"udp4", "udp6"} {
		f, err := h.ForgeICMP(network)
		ok(t, err)
		t.Cleanup(func() { f.Close() })
		forgers[network] = f
		peers[network] = stdOn(t, h, network, peerAddr[network])
		others[network] = listenOn(t, h, network, net.JoinHostPort(otherAddr[network], "0"), udp.WithOverflow(udp.OverflowDropNewest))
		others[network].Messages()
	}
	for _, c := range icmpCases() {
		for way, read := range readings {
			t.Run(c.String()+" "+way, func(t *testing.T) {
				for _, kind := range icmpKinds(c.peer) {
					conversation{
						t: t, h: h, c: c, kind: kind, way: way, read: read,
						peer: peers[c.peer], other: others[c.peer], forger: forgers[c.peer],
					}.hold()
					if t.Failed() {
						t.Fatalf("ICMP type %d code %d", kind.kind, kind.code)
					}
				}
			})
		}
	}
}

// A conversation is one cell of the matrix.
type conversation struct {
	t      *testing.T
	h      *netlab.Host
	c      icmpCase
	kind   icmpKind
	way    string
	read   func(testing.TB, *udp.Socket) reading
	peer   *net.UDPConn
	other  *udp.Socket
	forger *netlab.ICMPForger
}

// hold forges an error before each datagram of a conversation.
func (v conversation) hold() {
	t, c := v.t, v.c
	s := v.socket()
	defer s.Close()
	r := v.read(t, s)
	defer r.stop()
	to := of(v.peer)
	me := v.local(s)
	forged := netlab.ICMPError{Type: v.kind.kind, Code: v.kind.code, Info: 1400, From: me, To: to}
	var heard []error
	say := func(text string) {
		var err error
		if c.connected {
			err = s.Send(t.Context(), []byte(text))
		} else {
			err = s.SendTo(t.Context(), to, []byte(text))
		}
		if err != nil {
			t.Errorf("a healthy send: %v", err)
		}
	}
	const rounds = 3
	for range rounds {
		ok(t, v.forger.Send(forged))
		say("question")
		hear(t, v.peer, "question")
		ok(t, v.forger.Send(forged))
		tell(t, v.peer, me, "answer")
		for {
			m, err := r.next()
			if err == nil {
				same(t, "message", string(m.Data), "answer")
				break
			}
			if heard = append(heard, err); v.way == "ReadFrom" && !c.connected || errors.Is(err, net.ErrClosed) {
				t.Fatalf("a read without a peer: %v", err)
			}
		}
	}
	if !c.connected {
		v.burst(s)
	}
	if c.queue && v.kind.queued(c.peer) && v.way == "Messages" {
		err, _ := take(t, "what ICMP says", s.Errors())
		heard = append(heard, err)
	}
	for len(s.Errors()) > 0 {
		heard = append(heard, <-s.Errors())
	}
	for _, err := range heard {
		var errno syscall.Errno
		if !errors.As(err, &errno) {
			t.Errorf("%v has no errno", err)
		}
		shaped(t, err, "read", to.String())
	}
	if !c.queue && !c.connected && len(heard) > 0 {
		t.Errorf("unasked for: %v", heard)
	}
	if n := s.Stats().Errors; n > 2*rounds+1 {
		t.Errorf("%d reports of %d errors", n, 2*rounds+1)
	}
	same(t, "cause", s.Err(), nil)
}

// local is the address that the peer hears from.
func (v conversation) local(s *udp.Socket) netip.AddrPort {
	a := s.LocalAddr()
	if a.Addr().IsUnspecified() {
		a = netip.AddrPortFrom(netip.MustParseAddr(localAddr[v.c.peer]), a.Port())
	}
	return a
}

func (v conversation) socket() *udp.Socket {
	if !v.c.connected {
		return listenOn(v.t, v.h, v.c.network, net.JoinHostPort(localAddr[v.c.network], "0"), v.c.options...)
	}
	var s *udp.Socket
	err := v.h.Do(func() (err error) {
		s, err = udp.New(v.c.network, v.c.options...)
		if err == nil {
			err = s.Bind(v.t.Context(), net.JoinHostPort(localAddr[v.c.network], "0"))
		}
		if err == nil {
			err = s.Connect(v.t.Context(), of(v.peer).String())
		}
		return err
	})
	return mine(v.t, s, err)
}

// burst sends a burst to somebody else, in as few calls as ever.
func (v conversation) burst(s *udp.Socket) {
	batch := make([]udp.Datagram, 64)
	for i := range batch {
		batch[i] = udp.Datagram{To: at(v.t, v.other), Data: make([]byte, 1000)}
	}
	ok(v.t, v.forger.Send(netlab.ICMPError{Type: v.kind.kind, Code: v.kind.code, Info: 1400,
		From: v.local(s), To: of(v.peer)}))
	before := s.Stats().WriteCalls
	n, err := s.SendBatch(v.t.Context(), batch)
	ok(v.t, err)
	same(v.t, "sent", n, len(batch))
	if calls := s.Stats().WriteCalls - before; calls > 4 && !portable {
		v.t.Errorf("a burst took %d calls", calls)
	}
}

// salvoTo sends 256 datagrams to an address and returns how many calls that took.
func salvoTo(t *testing.T, s *udp.Socket, to netip.AddrPort, size int) (sent int, calls uint64) {
	t.Helper()
	batch := make([]udp.Datagram, 256)
	for i := range batch {
		batch[i] = udp.Datagram{To: to, Data: make([]byte, size)}
	}
	before := s.Stats().WriteCalls
	sent, _ = s.SendBatch(t.Context(), batch)
	return sent, s.Stats().WriteCalls - before
}

// What one destination refuses changes nothing for others: not a route that refuses,
// not a path with a small MTU, not forged news of one, not an address that has gone.
func TestBurstsToOthersStayBursts(t *testing.T) {
	if portable {
		t.Skip("this path sends no bursts")
	}
	h := icmpHost(t)
	lab := netlab.New(t)
	b := lab.Host("b")
	lab.Link(h.Port("eth0", "10.77.0.1/24"), b.Port("eth0", "10.77.0.2/24"))
	lab.Must(h.AddRefusal("203.0.113.0/24", netlab.Blackhole), h.AddRefusal("198.51.100.0/24", netlab.Prohibit),
		h.AddRefusal("192.0.2.0/24", netlab.Unreachable), h.SetMTU("eth0", 600))
	forger, err := h.ForgeICMP("udp4")
	ok(t, err)
	defer forger.Close()
	good := at(t, listenOn(t, h, "udp4", "127.0.0.3:0"))
	small := at(t, listenOn(t, b, "udp4", "10.77.0.2:0"))
	for _, network := range []string{"udp4", "udp"} {
		for name, opts := range map[string][]udp.Option{"plain": nil, "ICMPErrors": {udp.WithICMPErrors()}} {
			t.Run(network+" "+name, func(t *testing.T) {
				s := listenOn(t, h, network, ":0", append(opts, udp.WithWriteBuffer(1<<20))...)
				s.Messages()
				healthy := func(after string) {
					t.Helper()
					if sent, calls := salvoTo(t, s, good, 1000); sent != 256 || calls > 4 {
						t.Errorf("after %s: %d of 256 were sent, in %d calls", after, sent, calls)
					}
				}
				healthy("nothing")
				for _, to := range []string{"203.0.113.9:9", "198.51.100.9:9", "192.0.2.9:9", "10.99.0.9:9"} {
					if sent, _ := salvoTo(t, s, netip.MustParseAddrPort(to), 1000); sent != 0 {
						t.Errorf("%d sent to %s", sent, to)
					}
					healthy(to)
				}
				if sent, calls := salvoTo(t, s, small, 1000); sent != 256 || calls > 300 {
					t.Errorf("by a path of 600 bytes %d of 256 were sent, in %d calls", sent, calls)
				}
				healthy("a path of 600 bytes")
				if sent, calls := salvoTo(t, s, small, 500); sent != 256 || calls > 4 {
					t.Errorf("what fits the path: %d of 256 were sent, in %d calls", sent, calls)
				}
				me := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), at(t, s).Port())
				for range 100 {
					ok(t, forger.Send(netlab.ICMPError{Type: 3, Code: 4, Info: 600, From: me, To: netip.MustParseAddrPort("127.0.0.2:9")}))
					healthy("forged news")
				}
				n, err := s.SendBatch(t.Context(), []udp.Datagram{{To: good, From: netip.MustParseAddr("10.1.2.3")}})
				if n != 0 || err == nil {
					t.Errorf("from a strange address: %d, %v", n, err)
				}
				healthy("a strange source")
			})
		}
	}
}

// Sends that are too long for the path leave entries in the error queue, which is
// charged to the receive buffer. It is emptied whoever reads, and if nobody does.
func TestTheErrorQueueTakesNoRoomFromReceiving(t *testing.T) {
	if portable {
		t.Skip("this path has no error queue")
	}
	_, a, b := neighbors(t)
	to := netip.AddrPortFrom(netip.MustParseAddr("10.77.0.2"), 9)
	for name, read := range map[string]func(s *udp.Socket){
		"Messages":   func(s *udp.Socket) { s.Messages() },
		"nobody yet": func(*udp.Socket) {},
	} {
		t.Run(name, func(t *testing.T) {
			s := listenOn(t, a, "udp4", "10.77.0.1:0", udp.WithICMPErrors(), udp.WithDontFragment())
			read(s)
			for range 2000 {
				fails(t, s.SendTo(t.Context(), to, make([]byte, 9000)), syscall.EMSGSIZE)
			}
			n, err := s.SendBatch(t.Context(), []udp.Datagram{{To: to, Data: make([]byte, 9000)}, {To: to, Data: make([]byte, 9000)}})
			fails(t, err, syscall.EMSGSIZE)
			same(t, "sent", n, 0)
			peer := stdOn(t, b, "udp4", "10.77.0.2")
			const burst = 50
			for i := range burst {
				tell(t, peer, at(t, s), fmt.Sprint(i))
			}
			for i := range burst {
				expect(t, s, fmt.Sprint(i))
			}
			same(t, "errors", s.Stats().Errors, 0)
		})
	}
}

// A refusal that comes while the send buffer is full is all that Go's poller sees
// ("not pollable"): it is reported, receiving goes on without a delay, Close returns.
func TestARefusalWhileTheSendBufferIsFull(t *testing.T) {
	for name, read := range readings {
		t.Run(name, func(t *testing.T) {
			lab, a, b := neighbors(t)
			lab.Must(a.Throttle("eth0", 1, 1600, 1<<20), // one datagram passes
				a.AddNeighbor("eth0", "10.77.0.2", mac(t, b)), b.AddNeighbor("eth0", "10.77.0.1", mac(t, a)))
			forger, err := a.ForgeICMP("udp4")
			ok(t, err)
			defer forger.Close()
			peer := stdOn(t, b, "udp4", "10.77.0.2")
			s := dialOn(t, a, of(peer), udp.WithWriteBuffer(4608))
			r := read(t, s)
			defer r.stop()
			ok(t, s.Send(t.Context(), make([]byte, 1000)))
			_, _, err = peer.ReadFromUDPAddrPort(make([]byte, 1000))
			ok(t, err)
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			for err == nil {
				err = s.Send(ctx, make([]byte, 1000))
			}
			fails(t, err, context.DeadlineExceeded)
			waiting := later(func() error { return s.Send(context.Background(), make([]byte, 1000)) })
			defer func() { <-waiting }()
			eventually(t, "a sender waits", func() bool { return s.SendQueueCount() == 1 })

			began, heard := time.Now(), 0
			const rounds = 100
			for i := range rounds {
				ok(t, forger.Send(netlab.ICMPError{Type: 3, Code: 3, From: at(t, s), To: of(peer)}))
				tell(t, peer, at(t, s), fmt.Sprint(i))
				for {
					m, err := r.next()
					if err == nil {
						same(t, "message", string(m.Data), fmt.Sprint(i))
						break
					}
					fails(t, err, syscall.ECONNREFUSED)
					heard++
				}
			}
			for len(s.Errors()) > 0 {
				fails(t, <-s.Errors(), syscall.ECONNREFUSED)
				heard++
			}
			if heard == 0 {
				t.Error("no refusal was heard")
			}
			if took := time.Since(began); took > soon/2 {
				t.Errorf("%d datagrams took %v", rounds, took)
			}
			same(t, "cause", s.Err(), nil)
			ok(t, forger.Send(netlab.ICMPError{Type: 3, Code: 3, From: at(t, s), To: of(peer)}))
			ok(t, s.Close())
		})
	}
}

// One forged datagram ends no server: not about a datagram that never was, to an
// address that nobody has talked to.
func TestOneForgedDatagramEndsNoServer(t *testing.T) {
	h := icmpHost(t)
	for network, stranger := range map[string]string{"udp4": "203.0.113.9:4242", "udp6": "[2001:db8::9]:4242"} {
		forger, err := h.ForgeICMP(network)
		ok(t, err)
		defer forger.Close()
		for _, own := range []string{network, "udp"} {
			s := listenOn(t, h, own, ":0", udp.WithICMPErrors())
			s.Messages()
			me := netip.AddrPortFrom(netip.MustParseAddr(localAddr[network]), at(t, s).Port())
			for _, kind := range icmpKinds(network) {
				ok(t, forger.Send(netlab.ICMPError{Type: kind.kind, Code: kind.code, From: me, To: netip.MustParseAddrPort(stranger)}))
				if kind.queued(network) {
					err, _ := take(t, "forged news", s.Errors())
					shaped(t, err, "read", stranger)
				}
			}
			tell(t, stdOn(t, h, network, localAddr[network]), me, "alive?")
			expect(t, s, "alive?")
			same(t, "cause", s.Err(), nil)
		}
	}
}
