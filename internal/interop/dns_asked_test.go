package interop

import (
	"net/netip"
	"testing"

	"github.com/miekg/dns"
)

// A server of miekg/dns on every address, which knows nothing of packet info,
// answers from the address that was asked. A client that is connected to 127.0.0.2
// hears no other.
func TestDNSAnswersFromTheAddressThatWasAsked(t *testing.T) {
	s := listen(t, "udp4", "0.0.0.0:0")
	server := serveDNS(t, s.PacketConn())
	for _, asked := range []string{"127.0.0.1", "127.0.0.2", "127.0.0.3"} {
		c := dialDNS(t, netip.AddrPortFrom(netip.MustParseAddr(asked), s.LocalAddr().Port()).String())
		client := dns.Client{Timeout: soon}
		answer, _, err := client.ExchangeWithConn(new(dns.Msg).SetQuestion("example.org.", dns.TypeA), c)
		if err != nil {
			t.Fatalf("asked at %s: %v", asked, err)
		}
		if len(answer.Answer) != 1 {
			t.Errorf("asked at %s: %v", asked, answer)
		}
	}
	server.shutdown(t)
}
