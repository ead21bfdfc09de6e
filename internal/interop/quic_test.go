package interop

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/big"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/qlog"
	"github.com/quic-go/quic-go/qlogwriter"

	"example.com/dgram/udp"
)

const quicProtocol = "echo"

// certificates are of nobody in particular.
func certificates(t testing.TB) tls.Certificate {
	t.Helper()
	key := must[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotAfter:     time.Now().Add(time.Hour),
		DNSNames:     []string{"localhost"},
	}
	der := must[[]byte](t)(x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key))
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// A marks records what a connection says about ECN.
type marks struct {
	capable  atomic.Bool   // the path was found to keep the marks
	received atomic.Uint64 // packets that came with one
}

func (m *marks) trace(context.Context, bool, quic.ConnectionID) qlogwriter.Trace { return m }
func (m *marks) AddProducer() qlogwriter.Recorder                                { return m }
func (m *marks) Close() error                                                    { return nil }

func (m *marks) RecordEvent(e qlogwriter.Event) {
	switch e := e.(type) {
	case qlog.ECNStateUpdated:
		if e.State == qlog.ECNStateCapable {
			m.capable.Store(true)
		}
	case qlog.PacketReceived:
		if e.ECN == qlog.ECT0 {
			m.received.Add(1)
		}
	}
}

// A quicPair is a connection between two transports.
type quicPair struct {
	server, client         *quic.Transport
	serverMarks, clientOwn marks
	listener               *quic.Listener
	accepted, dialed       *quic.Conn
}

func connectQUIC(t testing.TB, serverConn, clientConn net.PacketConn, traced bool) *quicPair {
	t.Helper()
	p := &quicPair{
		server: &quic.Transport{Conn: serverConn},
		client: &quic.Transport{Conn: clientConn},
	}
	config := func(m *marks) *quic.Config {
		c := &quic.Config{
			InitialStreamReceiveWindow:     4 << 20,
			MaxStreamReceiveWindow:         4 << 20,
			InitialConnectionReceiveWindow: 6 << 20,
			MaxConnectionReceiveWindow:     6 << 20,
			MaxIdleTimeout:                 soon,
		}
		if traced {
			c.Tracer = m.trace
		}
		return c
	}
	ctx, cancel := context.WithTimeout(context.Background(), soon)
	defer cancel()
	tlsServer := &tls.Config{Certificates: []tls.Certificate{certificates(t)}, NextProtos: []string{quicProtocol}}
	p.listener = must[*quic.Listener](t)(p.server.Listen(tlsServer, config(&p.serverMarks)))
	accepted := later(func() (err error) {
		p.accepted, err = p.listener.Accept(ctx)
		return err
	})
	tlsClient := &tls.Config{InsecureSkipVerify: true, ServerName: "localhost", NextProtos: []string{quicProtocol}}
	p.dialed = must[*quic.Conn](t)(p.client.Dial(ctx, net.UDPAddrFromAddrPort(address(t, serverConn)), tlsClient, config(&p.clientOwn)))
	fine(t, "accept", accepted)
	return p
}

// close ends everything, as a program would: Transport.Close sets a deadline
// to wake its reader.
func (p *quicPair) close(t testing.TB) {
	t.Helper()
	if err := p.dialed.CloseWithError(0, "done"); err != nil {
		t.Error(err)
	}
	fine(t, "close the client's transport", later(p.client.Close))
	<-p.accepted.Context().Done()
	if err := p.listener.Close(); err != nil {
		t.Error(err)
	}
	fine(t, "close the server's transport", later(p.server.Close))
}

// A pattern is bytes that are never the same for long, and how to check them.
type pattern struct{ at uint64 }

func (p *pattern) Read(b []byte) (int, error) {
	for i := range b {
		v := p.at + uint64(i)
		b[i] = byte(v ^ v>>8 ^ v>>16)
	}
	p.at += uint64(len(b))
	return len(b), nil
}

// push sends n bytes on a stream of its own, and pull receives them.
func push(ctx context.Context, c *quic.Conn, source io.Reader, n int64) error {
	s, err := c.OpenUniStreamSync(ctx)
	if err != nil {
		return err
	}
	if _, err := io.CopyBuffer(struct{ io.Writer }{s}, struct{ io.Reader }{io.LimitReader(source, n)}, make([]byte, 64<<10)); err != nil {
		return err
	}
	return s.Close()
}

func pull(ctx context.Context, c *quic.Conn, to io.Writer, n int64) error {
	s, err := c.AcceptUniStream(ctx)
	if err != nil {
		return err
	}
	got, err := io.CopyBuffer(struct{ io.Writer }{to}, struct{ io.Reader }{s}, make([]byte, 64<<10))
	if err == nil && got != n {
		err = fmt.Errorf("%d bytes arrived, want %d", got, n)
	}
	return err
}

func TestQUICMovesMegabytesBothWays(t *testing.T) {
	const size = 64 << 20
	for _, network := range []struct{ name, server, client string }{
		{"udp4", "127.0.0.1:0", "127.0.0.1:0"},
		{"udp6", "[::1]:0", "[::1]:0"},
	} {
		t.Run(network.name, func(t *testing.T) {
			server, client := listen(t, network.name, network.server), listen(t, network.name, network.client)
			p := connectQUIC(t, server.PacketConn(), client.PacketConn(), true)
			ctx, cancel := context.WithTimeout(context.Background(), 2*soon)
			defer cancel()

			want := crc32.NewIEEE()
			if _, err := io.CopyN(want, &pattern{}, size); err != nil {
				t.Fatal(err)
			}
			there, back := crc32.NewIEEE(), crc32.NewIEEE()
			jobs := []<-chan error{
				later(func() error { return push(ctx, p.dialed, &pattern{}, size) }),
				later(func() error { return pull(ctx, p.accepted, there, size) }),
				later(func() error { return push(ctx, p.accepted, &pattern{}, size) }),
				later(func() error { return pull(ctx, p.dialed, back, size) }),
			}
			for i, job := range jobs {
				if err := <-job; err != nil {
					t.Errorf("job %d: %v", i, err)
				}
			}
			if there.Sum32() != want.Sum32() || back.Sum32() != want.Sum32() {
				t.Error("what arrived is not what was sent")
			}
			for name, m := range map[string]*marks{"server": &p.serverMarks, "client": &p.clientOwn} {
				if !m.capable.Load() || m.received.Load() == 0 {
					t.Errorf("%s: ECN capable %v, %d packets marked", name, m.capable.Load(), m.received.Load())
				}
			}
			for name, c := range map[string]*quic.Conn{"server": p.accepted, "client": p.dialed} {
				if !c.ConnectionState().GSO {
					t.Errorf("%s: segmentation offload is off", name)
				}
			}
			p.close(t)
			for name, s := range map[string]*udp.Socket{"server": server, "client": client} {
				bursts(t, name, s.Stats())
			}
		})
	}
}

// bursts expects that one call sent and one call received many datagrams, and
// that all were counted.
func bursts(t *testing.T, name string, s udp.Stats) {
	t.Helper()
	if s.Sent < 2*s.WriteCalls {
		t.Errorf("%s: %d datagrams in %d calls, want bursts", name, s.Sent, s.WriteCalls)
	}
	if s.Received == 0 || s.ReceivedBytes < 64<<20 || s.SentBytes < 64<<20 {
		t.Errorf("%s: %+v, want all of it counted", name, s)
	}
}

func TestQUICSpeaksWithPackageNet(t *testing.T) {
	eachPair(t, func(t *testing.T, server, client side) {
		p := connectQUIC(t, server.listen(t, "udp4", "127.0.0.1:0"), client.listen(t, "udp4", "127.0.0.1:0"), false)
		ctx, cancel := context.WithTimeout(context.Background(), soon)
		defer cancel()
		const size = 1 << 20
		sum := crc32.NewIEEE()
		sent := later(func() error { return push(ctx, p.dialed, &pattern{}, size) })
		fine(t, "receive", later(func() error { return pull(ctx, p.accepted, sum, size) }))
		fine(t, "send", sent)
		p.close(t)
	})
}

func TestQUICAnswersFromTheAddressThatWasAsked(t *testing.T) {
	server := listen(t, "udp", ":0").PacketConn()
	client := listen(t, "udp4", "127.0.0.1:0").PacketConn()
	tr := &quic.Transport{Conn: server}
	ln := must[*quic.Listener](t)(tr.Listen(&tls.Config{Certificates: []tls.Certificate{certificates(t)}, NextProtos: []string{quicProtocol}}, nil))
	ctx, cancel := context.WithTimeout(context.Background(), soon)
	defer cancel()
	var accepted *quic.Conn
	waiting := later(func() (err error) {
		accepted, err = ln.Accept(ctx)
		return err
	})
	other := &net.UDPAddr{IP: net.IPv4(127, 0, 0, 77), Port: int(address(t, server).Port())}
	ct := &quic.Transport{Conn: client}
	conn := must[*quic.Conn](t)(ct.Dial(ctx, other, &tls.Config{InsecureSkipVerify: true, ServerName: "localhost", NextProtos: []string{quicProtocol}}, nil))
	fine(t, "accept", waiting)
	if got := accepted.LocalAddr().(*net.UDPAddr); !got.IP.Equal(other.IP) {
		t.Errorf("the server answers from %v, want %v", got, other)
	}
	(&quicPair{server: tr, client: ct, listener: ln, accepted: accepted, dialed: conn}).close(t)
}

// The transport does not own a connection that it was given: closing one leaves
// the other open.
func TestQUICTransportClosesAndLeavesTheSocketOpen(t *testing.T) {
	s := listen(t, "udp4", "127.0.0.1:0")
	v := s.PacketConn()
	for range 3 {
		tr := &quic.Transport{Conn: v}
		ln := must[*quic.Listener](t)(tr.Listen(&tls.Config{Certificates: []tls.Certificate{certificates(t)}, NextProtos: []string{quicProtocol}}, nil))
		if err := ln.Close(); err != nil {
			t.Fatal(err)
		}
		fine(t, "close the transport", later(tr.Close))
		if err := v.SetReadDeadline(time.Time{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.SendTo(context.Background(), local(t, s), []byte("to myself")); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 64)
	if n, _, err := v.ReadFrom(b); err != nil || string(b[:n]) != "to myself" {
		t.Errorf("%q, %v", b[:n], err)
	}
}

func TestQUICEndsWithTheSocket(t *testing.T) {
	s := listen(t, "udp4", "127.0.0.1:0")
	tr := &quic.Transport{Conn: s.PacketConn()}
	ln := must[*quic.Listener](t)(tr.Listen(&tls.Config{Certificates: []tls.Certificate{certificates(t)}, NextProtos: []string{quicProtocol}}, nil))
	ended := later(func() error {
		_, err := ln.Accept(context.Background())
		return err
	})
	s.Close()
	if err := take(t, "the listener's end", ended); err == nil || errors.Is(err, context.Canceled) {
		t.Errorf("%v, want an error", err)
	}
	tr.Close()
}
