package kerneltest

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"example.com/dgram/internal/kernel"
)

// A disconnected socket has its old address and its queue, and receives from every
// host, in both families. It can be connected and disconnected many times.
func (s suite) TestDisconnectLeavesNoTrace(t *testing.T) {
	for _, tt := range []struct {
		network, bound string
		peers          []string // networks and addresses of the senders
	}{
		{"udp4", "0.0.0.0:0", []string{"127.0.0.1"}},
		{"udp4", "127.0.0.1:0", []string{"127.0.0.1"}},
		{"udp6", "[::1]:0", []string{"::1"}},
		{"udp6", "[::]:0", []string{"::1", "127.0.0.1"}},
	} {
		t.Run(tt.bound, func(t *testing.T) {
			c := s.open(t, kernel.Config{Network: tt.network, Local: Addr(tt.bound), TTL: 9, PacketInfo: kernel.Try})
			before := Local(t, c)
			var peers []kernel.Conn
			for _, host := range tt.peers {
				network := "udp4"
				if netip.MustParseAddr(host).Is6() {
					network = "udp6"
				}
				for range 3 {
					peers = append(peers, s.loopback(t, network))
				}
			}
			to := func(p kernel.Conn) netip.AddrPort {
				return netip.AddrPortFrom(Local(t, p).Addr(), before.Port())
			}
			for round, peer := range peers {
				Check(t, c.Connect(Local(t, peer)))
				queued := fmt.Sprint("queued ", round)
				send(t, peer, queued, to(peer))
				arrived(t, c)
				err := c.Disconnect(before)
				if errors.Is(err, errors.ErrUnsupported) {
					t.Skip(err)
				}
				Check(t, err)
				if a := Local(t, c); a != before {
					t.Errorf("bound to %v after Disconnect, to %v before", a, before)
				}
				if _, err := c.RemoteAddr(); err == nil {
					t.Error("there still is a peer")
				}
				if hops, err := c.Option(kernel.TTL); hops != 9 || err != nil {
					t.Errorf("%d hops, %v, want 9", hops, err)
				}
				want(t, c, queued)
				for i, p := range peers {
					text := fmt.Sprint("from ", i)
					send(t, p, text, to(p))
					want(t, c, text)
					send(t, c, text, Local(t, p))
					if got := want(t, p, text); got.From.Port() != before.Port() {
						t.Errorf("answered from %v", got.From)
					}
				}
			}
			silent(t, c)
		})
	}
}

// Datagrams that were queued before Connect and are not from the peer are dropped.
func (s suite) TestConnectPassesOverWhatStrangersSent(t *testing.T) {
	for name, read := range reads {
		t.Run(name, func(t *testing.T) {
			c, peer, stranger := s.loopback(t, "udp4"), s.loopback(t, "udp4"), s.loopback(t, "udp4")
			send(t, stranger, "stranger", Local(t, c))
			send(t, peer, "peer", Local(t, c))
			send(t, stranger, "stranger", Local(t, c))
			arrived(t, c)
			Check(t, c.Connect(Local(t, peer)))
			send(t, peer, "peer", Local(t, c))
			Check(t, c.SetReadDeadline(time.Now().Add(patience)))
			n := 0
			for end := time.Now().Add(patience); n < 2 && time.Now().Before(end); {
				m, err := read(c)
				Check(t, err)
				n += m
			}
			if strangers := c.Strangers(); n != 2 || strangers != 2 {
				t.Errorf("%d read and %d passed over, want 2 and 2", n, strangers)
			}
			silent(t, c)
		})
	}
}

// A send that found the socket without a port would bind it to another.
func (s suite) TestDisconnectBesideSendersKeepsThePort(t *testing.T) {
	for _, network := range []string{"udp4", "udp6"} {
		t.Run(network, func(t *testing.T) {
			c := s.open(t, kernel.Config{Network: network})
			peer := s.loopback(t, network)
			before, to := Local(t, c), Local(t, peer)
			stop := make(chan struct{})
			var senders sync.WaitGroup
			for range 8 {
				senders.Add(1)
				go func() {
					defer senders.Done()
					for {
						select {
						case <-stop:
							return
						default:
							_ = c.SendTo([]byte("x"), to)
							_, _ = c.SendBatch([]kernel.Datagram{{Data: []byte("y"), To: to}})
						}
					}
				}()
			}
			for range 20 {
				if err := c.Connect(to); err != nil {
					t.Errorf("Connect: %v", err)
				}
				if err := c.Disconnect(before); err != nil && !errors.Is(err, errors.ErrUnsupported) {
					t.Errorf("Disconnect: %v", err)
				}
			}
			close(stop)
			senders.Wait()
			if a := Local(t, c); a != before {
				t.Errorf("bound to %v, to %v before", a, before)
			}
		})
	}
}

// A reader that waits during Disconnect goes on to wait, and receives.
func (s suite) TestAReaderThatWaitsHearsAfterDisconnect(t *testing.T) {
	c, peer, other := s.loopback(t, "udp4"), s.loopback(t, "udp4"), s.loopback(t, "udp4")
	before := Local(t, c)
	Check(t, c.Connect(Local(t, peer)))
	r := &recorder{settled: true}
	done := make(chan error, 1)
	go func() { done <- c.Receive(r, true) }()
	time.Sleep(calm / 10)
	Check(t, c.Disconnect(before))
	send(t, other, "hello", before)
	select {
	case err := <-done:
		if err != nil || len(r.packets) != 1 || string(r.packets[0].Data) != "hello" {
			t.Errorf("%v, %d packets", err, len(r.packets))
		}
	case <-time.After(patience):
		t.Error("the reader heard nothing")
		Check(t, c.Close())
		<-done
	}
}
