package udp_test

import (
	"errors"
	"net"
	"net/netip"
	"syscall"
	"testing"

	"example.com/dgram/internal/netlab"
	"example.com/dgram/udp"
)

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
