package session_test

import (
	"fmt"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/nettest"

	"example.com/dgram/udp/session"
)

// pair returns two Conns that talk to each other.
func pair(t testing.TB) (a, b net.Conn, close func()) {
	t.Helper()
	ours, s := mux(t)
	theirs, other := mux(t)
	c, err := ours.Open(t.Context(), other.LocalAddr())
	if err != nil {
		t.Fatal(err)
	}
	a = c.Conn()
	if _, err := a.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	if b, err = theirs.Listener().Accept(); err != nil {
		t.Fatal(err)
	}
	if n, err := b.Read(make([]byte, 9)); n != 5 || err != nil {
		t.Fatal(n, err)
	}
	return a, b, func() {
		for _, closer := range []interface{ Close() error }{a, b, ours, theirs, s, other} {
			closer.Close()
		}
	}
}

// The conformance suite of x/net, but for its tests of a stream in which nothing
// is lost and which ends with io.EOF: those get a pipe.
func TestConnPassesTheConformanceSuite(t *testing.T) {
	const basicIO, pingPong, futureTimeout, concurrentMethods = 1, 2, 9, 11
	test := 0
	nettest.TestConn(t, func() (a, b net.Conn, stop func(), err error) {
		switch test++; test {
		case basicIO, pingPong, futureTimeout, concurrentMethods:
			a, b = net.Pipe()
			return a, b, func() { a.Close(); b.Close() }, nil
		}
		a, b, stop = pair(t)
		return a, b, stop, nil
	})
}

func TestConnPingsAndPongs(t *testing.T) {
	a, b, _ := pair(t)
	done := make(chan error, 1)
	go func() {
		buffer := make([]byte, 8)
		for range 1000 {
			n, err := b.Read(buffer)
			if err == nil {
				_, err = b.Write(buffer[:n])
			}
			if err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	buffer := make([]byte, 8)
	for i := range 1000 {
		want := fmt.Sprint(i)
		if _, err := a.Write([]byte(want)); err != nil {
			t.Fatal(err)
		}
		if n, err := a.Read(buffer); err != nil || string(buffer[:n]) != want {
			t.Fatalf("read %q, %v, want %s", buffer[:n], err, want)
		}
	}
	finds(t, take(t, done), nil)
}

func TestConnDeadlineWakesAReaderThatWaits(t *testing.T) {
	a, b, _ := pair(t)
	for name, set := range map[string]func(){
		"future": func() { a.SetReadDeadline(time.Now().Add(10 * time.Millisecond)) },
		"past":   func() { a.SetReadDeadline(time.Unix(1, 0)) },
		"moved": func() {
			a.SetReadDeadline(time.Now().Add(time.Hour))
			a.SetDeadline(time.Now().Add(time.Millisecond))
		},
	} {
		read := make(chan error, 2)
		for range 2 {
			go func() {
				_, err := a.Read(make([]byte, 1))
				read <- err
			}()
		}
		set()
		finds(t, take(t, read), os.ErrDeadlineExceeded)
		finds(t, take(t, read), os.ErrDeadlineExceeded)
		if err := a.SetDeadline(time.Time{}); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Write([]byte(name)); err != nil {
			t.Fatal(err)
		}
		buffer := make([]byte, 9)
		if n, err := a.Read(buffer); err != nil || string(buffer[:n]) != name {
			t.Errorf("after the deadline: %q, %v", buffer[:n], err)
		}
	}
}

func TestConnMethodsMayBeCalledAtTheSameTime(t *testing.T) {
	a, b, _ := pair(t)
	var group sync.WaitGroup
	buffers := make([][]byte, 8)
	for i := range buffers {
		buffers[i] = make([]byte, 1024)
		group.Go(func() {
			for j := range 100 {
				a.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
				b.Write(buffers[i][:j])
				a.Read(buffers[i])
				a.SetWriteDeadline(time.Now().Add(10 * time.Millisecond))
				a.Write(buffers[i][:j])
				_, _ = a.LocalAddr(), a.RemoteAddr()
				if i == 0 && j == 99 {
					a.Close()
				}
			}
		})
	}
	group.Wait()
	_, err := a.Read(buffers[0])
	finds(t, err, net.ErrClosed)
}

func TestConnKeepsTheBordersOfDatagrams(t *testing.T) {
	a, b, _ := pair(t)
	for _, text := range []string{"a long datagram", "", "another"} {
		if n, err := a.Write([]byte(text)); n != len(text) || err != nil {
			t.Fatal(n, err)
		}
	}
	buffer := make([]byte, 6)
	for _, want := range []string{"a long", "", "anothe"} {
		if n, err := b.Read(buffer); err != nil || string(buffer[:n]) != want {
			t.Errorf("read %q, %v", buffer[:n], err)
		}
	}
	if n, err := b.Read(nil); n != 0 || err != nil {
		t.Errorf("empty buffer: %d, %v", n, err)
	}
}

func TestConnHasTheAddressesOfTheSession(t *testing.T) {
	m, s := mux(t)
	peer := dial(t, s)
	peer.send("hello")
	c := take(t, m.Sessions())
	conn := c.Conn()
	if c.Conn() != conn {
		t.Error("two Conns")
	}
	if got := conn.LocalAddr().String(); got != s.LocalAddr().String() {
		t.Errorf("local address %v", got)
	}
	if got := conn.RemoteAddr().String(); got != peer.addr().String() {
		t.Errorf("remote address %v", got)
	}
}

func TestConnIsAPacketConnWithOnePeer(t *testing.T) {
	a, b, _ := pair(t)
	from, to := a.(net.PacketConn), b.(net.PacketConn)
	if _, err := from.WriteTo([]byte("hello"), a.RemoteAddr()); err != nil {
		t.Fatal(err)
	}
	buffer := make([]byte, 9)
	n, addr, err := to.ReadFrom(buffer)
	if err != nil || string(buffer[:n]) != "hello" || addr.String() != a.LocalAddr().String() {
		t.Errorf("read %q from %v, %v", buffer[:n], addr, err)
	}
	for _, addr := range []net.Addr{nil, (*net.UDPAddr)(nil), a.LocalAddr(), &net.TCPAddr{}} {
		_, err := from.WriteTo(nil, addr)
		finds(t, err, net.ErrWriteToConnected)
	}
}

func TestConnReadsWhatWasReceivedBeforeTheSessionEnded(t *testing.T) {
	m, s := mux(t, session.Idle(10*time.Millisecond))
	dial(t, s).send("hello")
	c := take(t, m.Sessions())
	conn := c.Conn()
	finds(t, cause(t, c), session.ErrIdle)
	if n, err := conn.Read(make([]byte, 9)); n != 5 || err != nil {
		t.Errorf("read %d bytes, %v", n, err)
	}
	_, err := conn.Read(make([]byte, 9))
	finds(t, err, session.ErrIdle, net.ErrClosed)
}

func TestConnOfASessionWithoutALocalAddressYet(t *testing.T) {
	s := listen(t, "0.0.0.0:0")
	m := over(t, s)
	c, err := m.Open(t.Context(), listen(t, "127.0.0.1:0").LocalAddr())
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Conn().LocalAddr().String(); got != s.LocalAddr().String() {
		t.Errorf("local address %v, want the socket's", got)
	}
	if _, err := c.Conn().(net.PacketConn).WriteTo(nil, c.Conn().RemoteAddr()); err != nil {
		t.Error(err)
	}
}
