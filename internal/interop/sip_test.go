package interop

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo"
	"github.com/emiago/sipgo/sip"
)

func TestSIPAnswersOnTheView(t *testing.T) {
	agent := must[*sipgo.UserAgent](t)(sipgo.NewUA())
	defer agent.Close()
	server := must[*sipgo.Server](t)(sipgo.NewServer(agent))
	server.OnOptions(func(r *sip.Request, tx sip.ServerTransaction) {
		_ = tx.Respond(sip.NewResponseFromRequest(r, 200, "OK", nil))
	})
	s := listen(t, "udp4", "127.0.0.1:0")
	served := later(func() error { return server.ServeUDP(s.PacketConn()) })
	c := must[net.Conn](t)(net.Dial("udp4", s.LocalAddr().String()))
	defer c.Close()
	request := fmt.Sprintf("OPTIONS sip:%[1]v SIP/2.0\r\nVia: SIP/2.0/UDP %[2]v;branch=z9hG4bK1\r\nMax-Forwards: 70\r\nFrom: <sip:a@%[2]v>;tag=1\r\n"+
		"To: <sip:b@%[1]v>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n", s.LocalAddr(), c.LocalAddr())
	if _, err := c.Write([]byte(request)); err != nil {
		t.Fatal(err)
	}
	if err := c.SetReadDeadline(time.Now().Add(soon)); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 2000)
	n := must[int](t)(c.Read(b))
	if answer := string(b[:n]); !strings.HasPrefix(answer, "SIP/2.0 200 OK") {
		t.Errorf("answered %q", answer)
	}
	s.Close()
	take(t, "the server's end", served)
}
