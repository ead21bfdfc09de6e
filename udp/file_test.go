//go:build unix

package udp_test

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"

	"example.com/dgram/udp"
)

// inherited makes a UDP socket without dgram's help, as a parent process
// would. It is the caller's.
func inherited(t testing.TB, f family, bound bool) *os.File {
	t.Helper()
	leakless(t)
	domain := syscall.AF_INET
	if f.network == "udp6" {
		domain = syscall.AF_INET6
	}
	fd, err := syscall.Socket(domain, syscall.SOCK_DGRAM, 0)
	ok(t, err)
	file := os.NewFile(uintptr(fd), "inherited")
	t.Cleanup(func() { file.Close() })
	if bound {
		ok(t, syscall.Bind(fd, sockaddr(netip.AddrPortFrom(f.loopback, 0))))
	}
	return file
}

func sockaddr(a netip.AddrPort) syscall.Sockaddr {
	if a.Addr().Is4() {
		return &syscall.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}
	}
	return &syscall.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}
}

func adoptFile(t testing.TB, f *os.File, opts ...udp.Option) *udp.Socket {
	t.Helper()
	s, err := udp.FromFile(f, opts...)
	return mine(t, s, err)
}

// Upstream: parallel/test-dgram-bind-fd.js
// Upstream: parallel/test-dgram-create-socket-handle-fd.js
func TestFromFileAdoptsABoundSocket(t *testing.T) {
	each(t, func(t *testing.T, f family) {
		file := inherited(t, f, true)
		s := adoptFile(t, file, udp.WithReadBuffer(30000), udp.WithWriteBuffer(31000))
		same(t, "network", s.Network(), f.network)
		a := at(t, s)
		same(t, "address", a.Addr(), f.loopback)
		n, err := s.ReadBuffer()
		ok(t, err)
		same(t, "ReadBuffer", n, 30000)
		n, err = s.WriteBuffer()
		ok(t, err)
		same(t, "WriteBuffer", n, 31000)
		ended(t, "listening", s.Listening())
		fails(t, s.Bind(t.Context(), f.local()), udp.ErrAlreadyBound)

		peer := std(t, f)
		tell(t, peer, a, "ping")
		m := next(t, s)
		same(t, "sender", m.From, of(peer))
		ok(t, s.Reply(t.Context(), m, []byte("pong")))
		same(t, "sender", hear(t, peer, "pong"), a)
		ok(t, s.Close())

		// The file is the caller's still: it is the same socket.
		again := adoptFile(t, file)
		same(t, "address", at(t, again), a)
		tell(t, peer, a, "still here")
		expect(t, again, "still here")
	})
}

// Upstream: parallel/test-dgram-bind-fd-error.js
// Upstream: parallel/test-dgram-create-socket-handle-fd.js
func TestWhatIsNotUDPIsRejected(t *testing.T) {
	leakless(t)
	reject := func(what string, f *os.File, want error) {
		t.Helper()
		before := len(descriptors())
		s, err := udp.FromFile(f)
		if s != nil {
			t.Fatalf("%s: a socket", what)
		}
		if !errors.Is(err, want) {
			t.Fatalf("%s: %v, want %v", what, err, want)
		}
		shaped(t, err, "file", "")
		same(t, what+": descriptors", len(descriptors()), before)
	}
	tcp, err := net.Listen("tcp4", "127.0.0.1:0")
	ok(t, err)
	defer tcp.Close()
	stream, err := tcp.(*net.TCPListener).File()
	ok(t, err)
	defer stream.Close()
	reject("a TCP listener", stream, udp.ErrNotUDP)

	conn, err := net.Dial("tcp4", tcp.Addr().String())
	ok(t, err)
	defer conn.Close()
	connected, err := conn.(*net.TCPConn).File()
	ok(t, err)
	defer connected.Close()
	reject("a TCP connection", connected, udp.ErrNotUDP)

	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_DGRAM, 0)
	ok(t, err)
	for _, fd := range pair {
		f := os.NewFile(uintptr(fd), "unix")
		defer f.Close()
		reject("a Unix datagram socket", f, udp.ErrNotUDP)
	}
	r, w, err := os.Pipe()
	ok(t, err)
	defer r.Close()
	defer w.Close()
	reject("a pipe", r, udp.ErrNotUDP)
	file, err := os.Open(os.DevNull)
	ok(t, err)
	defer file.Close()
	reject("a device", file, udp.ErrNotUDP)
	dir, err := os.Open(".")
	ok(t, err)
	defer dir.Close()
	reject("a directory", dir, udp.ErrNotUDP)
	if raw, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM, syscall.IPPROTO_ICMP); err == nil {
		f := os.NewFile(uintptr(raw), "ping")
		defer f.Close()
		reject("a ping socket", f, udp.ErrNotUDP)
	}

	gone := inherited(t, families()[0], true)
	gone.Close()
	reject("a closed file", gone, net.ErrClosed)
	_, err = udp.FromFile(nil)
	fails(t, err, os.ErrInvalid)
	shaped(t, err, "file", "")
	_, err = udp.FromFile(inherited(t, families()[0], true), udp.WithTTL(0))
	fails(t, err, syscall.EINVAL)
	_, err = udp.FromFile(inherited(t, families()[0], true), udp.WithReaders(2))
	fails(t, err, errors.ErrUnsupported)
	_, err = udp.FromFile(inherited(t, families()[0], true), udp.WithContext(done()))
	fails(t, err, done().Err())
}

func TestFromFileAdoptsAConnectedSocket(t *testing.T) {
	each(t, func(t *testing.T, f family) {
		peer := std(t, f)
		file := inherited(t, f, true)
		raw, err := file.SyscallConn()
		ok(t, err)
		ok(t, raw.Control(func(fd uintptr) { err = syscall.Connect(int(fd), sockaddr(of(peer))) }))
		ok(t, err)
		s := adoptFile(t, file)
		ended(t, "connected", s.Connected())
		a := s.RemoteAddr()
		same(t, "peer", a, of(peer))
		fails(t, s.SendTo(t.Context(), of(peer)), udp.ErrAlreadyConnected)
		fails(t, s.Connect(t.Context(), of(peer).String()), udp.ErrAlreadyConnected)
		send(t, s, netip.AddrPort{}, "hello")
		hear(t, peer, "hello")
		before := at(t, s)
		ok(t, s.Disconnect())
		same(t, "address", at(t, s), before)
		send(t, s, of(peer), "anybody")
		hear(t, peer, "anybody")
	})
}

// Close leaves what is in a shared buffer to whoever shares it.
func TestCloseLeavesASharedBufferAlone(t *testing.T) {
	f := families()[0]
	s := listen(t, f.network, f.local())
	file, err := s.File()
	ok(t, err)
	defer file.Close()
	peer := std(t, f)
	tell(t, peer, at(t, s), "one", "two")
	ok(t, s.Close())
	same(t, "DroppedClosed", s.Stats().DroppedClosed, 0)
	expect(t, adoptFile(t, file), "one", "two")
}

// A burst arrives as datagrams at whoever shares the descriptor: receive
// offload is off.
func TestSharedDescriptorHasNoBursts(t *testing.T) {
	f := families()[0]
	s := listen(t, f.network, f.local())
	s.Messages()
	file, err := s.File()
	ok(t, err)
	defer file.Close()
	a := at(t, s)
	ok(t, s.Close())
	c, err := net.FilePacketConn(file)
	ok(t, err)
	defer c.Close()
	from := dial(t, f.network, a)
	batch := make([]udp.Datagram, 20)
	for i := range batch {
		batch[i].Data = make([]byte, 100)
	}
	_, err = from.SendBatch(t.Context(), batch)
	ok(t, err)
	b := make([]byte, 65536)
	for range batch {
		n, _, err := c.ReadFrom(b)
		ok(t, err)
		same(t, "length", n, 100)
	}
}

// Upstream: parallel/test-child-process-fork-dgram.js
// Upstream: parallel/test-cluster-dgram-bind-fd.js
// Upstream: parallel/test-cluster-dgram-1.js
func TestChildrenShareTheSocket(t *testing.T) {
	each(t, func(t *testing.T, f family) {
		s := listen(t, f.network, f.local())
		file, err := s.File()
		ok(t, err)
		defer file.Close()
		a := at(t, s)
		kids := []*child{spawn(t, "adopt", file), spawn(t, "adopt", file)}
		for _, k := range kids {
			same(t, "the child's address", k.address(), a)
		}
		// Parent and children receive, each datagram one of them.
		from := dial(t, f.network, a)
		const n = 60
		heard := map[string]int{}
		for i := range n {
			ok(t, from.Send(t.Context(), fmt.Append(nil, i)))
			select {
			case m := <-s.Messages():
				heard[string(m.Data)]++
			case line := <-kids[0].lines:
				heard[line[len("heard "):]]++
			case line := <-kids[1].lines:
				heard[line[len("heard "):]]++
			}
		}
		same(t, "different datagrams", len(heard), n)

		// The parent goes; the children stay, and answer.
		ok(t, s.Close())
		ok(t, from.Send(t.Context(), []byte("you?")))
		for answered := false; !answered; {
			m := next(t, from)
			same(t, "answers come from", m.From, a)
			answered = string(m.Data) == "heard you?"
		}
	})
}

// Upstream: parallel/test-cluster-dgram-bind-fd.js
func TestChildAdoptsWhatItsParentBound(t *testing.T) {
	each(t, func(t *testing.T, f family) {
		file := inherited(t, f, true)
		a := at(t, adoptFile(t, file)) // nobody reads here
		peer := std(t, f)
		tell(t, peer, a, "before the child was born")
		kid := spawn(t, "adopt", file)
		same(t, "the child's address", kid.address(), a)
		kid.says("heard before the child was born")
		same(t, "answer comes from", hear(t, peer, "heard before the child was born"), a)
	})
}

// Upstream: parallel/test-dgram-create-socket-handle.js
func TestUnboundSocketHasNoDescriptor(t *testing.T) {
	leakless(t)
	before := len(descriptors())
	for range 10 {
		open(t, "udp4")
	}
	if before > 0 {
		same(t, "descriptors", len(descriptors()), before)
	}
}
