package interop

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"

	"github.com/miekg/dns"
	"golang.org/x/sync/errgroup"

	"example.com/dgram/udp"
)

// A nameServer answers every question about an address.
type nameServer struct {
	server *dns.Server
	ended  <-chan error
}

func serveDNS(t testing.TB, conn net.PacketConn) *nameServer {
	t.Helper()
	started := make(chan struct{})
	s := &nameServer{server: &dns.Server{
		PacketConn:        conn,
		Handler:           dns.HandlerFunc(answer),
		NotifyStartedFunc: func() { close(started) },
	}}
	s.ended = later(s.server.ActivateAndServe)
	take(t, "the server's start", later(func() error { <-started; return nil }))
	return s
}

// answer says 192.0.2.1 to a question for an address, and for a text so much
// of it that it fits into no small answer.
func answer(w dns.ResponseWriter, q *dns.Msg) {
	a := new(dns.Msg).SetReply(q)
	header := dns.RR_Header{Name: q.Question[0].Name, Rrtype: q.Question[0].Qtype, Class: dns.ClassINET, Ttl: 60}
	switch q.Question[0].Qtype {
	case dns.TypeA:
		a.Answer = []dns.RR{&dns.A{Hdr: header, A: net.IPv4(192, 0, 2, 1)}}
	case dns.TypeTXT:
		txt := &dns.TXT{Hdr: header}
		for range 15 {
			txt.Txt = append(txt.Txt, fmt.Sprintf("%0200d", 0))
		}
		a.Answer = []dns.RR{txt}
	}
	size := dns.MinMsgSize
	if opt := q.IsEdns0(); opt != nil {
		size = int(opt.UDPSize())
	}
	a.Truncate(size)
	_ = w.WriteMsg(a)
}

// shutdown ends the server while it reads.
func (s *nameServer) shutdown(t testing.TB) {
	t.Helper()
	fine(t, "shutdown", later(s.server.Shutdown))
	fine(t, "the server's end", s.ended)
}

// dialDNS is a client's connection, on our view.
func dialDNS(t testing.TB, to string) *dns.Conn {
	t.Helper()
	s, err := udp.Dial(context.Background(), "udp", to)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return &dns.Conn{Conn: s.PacketConn(), UDPSize: dns.MaxMsgSize}
}

func TestDNSAnswersManyClients(t *testing.T) {
	for _, network := range []struct{ name, address string }{{"udp4", "127.0.0.1:0"}, {"udp6", "[::1]:0"}} {
		t.Run(network.name, func(t *testing.T) {
			s := listen(t, network.name, network.address)
			server := serveDNS(t, s.PacketConn())
			to := local(t, s).String()
			var clients errgroup.Group
			const each = 25
			for i := range 8 {
				conn := dialDNS(t, to)
				clients.Go(func() error {
					client := &dns.Client{Timeout: soon}
					for k := range each {
						q := new(dns.Msg).SetQuestion(fmt.Sprintf("host-%d-%d.example.", i, k), dns.TypeA)
						a, _, err := client.ExchangeWithConn(q, conn)
						if err != nil {
							return err
						}
						if len(a.Answer) != 1 || a.Question[0] != q.Question[0] {
							return fmt.Errorf("answer to another question: %v", a)
						}
					}
					return nil
				})
			}
			if err := clients.Wait(); err != nil {
				t.Error(err)
			}
			server.shutdown(t)
			if st := s.Stats(); st.Received != 8*each || st.Sent != 8*each {
				t.Errorf("%d questions and %d answers, want %d", st.Received, st.Sent, 8*each)
			}
			if err := s.SetBroadcast(false); !errors.Is(err, net.ErrClosed) {
				t.Errorf("after the shutdown: %v, want net.ErrClosed", err)
			}
		})
	}
}

func TestDNSSpeaksWithPackageNet(t *testing.T) {
	s := listen(t, "udp4", "127.0.0.1:0")
	server := serveDNS(t, s.PacketConn())
	defer server.shutdown(t)
	q := new(dns.Msg).SetQuestion("plain.example.", dns.TypeA)
	a, _, err := (&dns.Client{Timeout: soon}).Exchange(q, local(t, s).String())
	if err != nil || len(a.Answer) != 1 {
		t.Errorf("%v, %v", a, err)
	}
}

func TestDNSKeepsToTheSizeThatWasAskedFor(t *testing.T) {
	s := listen(t, "udp4", "127.0.0.1:0")
	server := serveDNS(t, s.PacketConn())
	defer server.shutdown(t)
	conn := dialDNS(t, local(t, s).String())
	for _, c := range []struct {
		size      uint16
		truncated bool
	}{{512, true}, {1232, true}, {4096, false}} {
		q := new(dns.Msg).SetQuestion("long.example.", dns.TypeTXT).SetEdns0(c.size, false)
		a, _, err := (&dns.Client{Timeout: soon}).ExchangeWithConn(q, conn)
		if err != nil {
			t.Fatal(err)
		}
		if a.Truncated != c.truncated || a.Len() > int(c.size) {
			t.Errorf("asked for %d bytes: %d bytes, truncated: %v", c.size, a.Len(), a.Truncated)
		}
	}
}

// A client learns at once that there is no server.
func TestDNSClientHearsThatNobodyIsThere(t *testing.T) {
	nobody := listen(t, "udp4", "127.0.0.1:0")
	to := local(t, nobody).String()
	nobody.Close()
	_, _, err := (&dns.Client{Timeout: soon}).ExchangeWithConn(new(dns.Msg).SetQuestion("a.example.", dns.TypeA), dialDNS(t, to))
	var timeout net.Error
	if err == nil || errors.As(err, &timeout) && timeout.Timeout() {
		t.Errorf("%v, want that the connection was refused", err)
	}
}

// A server survives clients that are gone before they are answered, also when
// the socket wants to know of them.
func TestDNSServerOutlivesItsClients(t *testing.T) {
	s, err := udp.Listen(context.Background(), "udp4", "127.0.0.1:0", udp.WithICMPErrors())
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	server := serveDNS(t, s.PacketConn())
	defer server.shutdown(t)
	to := local(t, s).String()
	q, err := new(dns.Msg).SetQuestion("gone.example.", dns.TypeA).Pack()
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		gone := listen(t, "udp4", "127.0.0.1:0")
		if err := gone.SendTo(context.Background(), local(t, s), q); err != nil {
			t.Fatal(err)
		}
		gone.Close()
	}
	a, _, err := (&dns.Client{Timeout: soon}).Exchange(new(dns.Msg).SetQuestion("here.example.", dns.TypeA), to)
	if err != nil || len(a.Answer) != 1 {
		t.Errorf("%v, %v", a, err)
	}
	if s.Err() != nil {
		t.Error(s.Err())
	}
}
