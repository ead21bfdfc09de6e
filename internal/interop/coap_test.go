package interop

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/plgd-dev/go-coap/v3/message"
	"github.com/plgd-dev/go-coap/v3/message/codes"
	"github.com/plgd-dev/go-coap/v3/mux"
	coapnet "github.com/plgd-dev/go-coap/v3/net"
	"github.com/plgd-dev/go-coap/v3/options"
	"github.com/plgd-dev/go-coap/v3/pkg/runner/periodic"
	coap "github.com/plgd-dev/go-coap/v3/udp"
)

// go-coap insists on a *net.UDPConn: UDPConn gives it one.
func TestCoAPRunsOnUDPConn(t *testing.T) {
	s := listen(t, "udp4", "127.0.0.1:0")
	c, err := s.UDPConn()
	if err != nil {
		t.Fatal(err)
	}
	router := mux.NewRouter()
	if err := router.Handle("/hello", mux.HandlerFunc(func(w mux.ResponseWriter, _ *mux.Message) {
		_ = w.SetResponse(codes.Content, message.TextPlain, bytes.NewReader([]byte("world")))
	})); err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	defer close(stop)
	runner := options.WithPeriodicRunner(periodic.New(stop, time.Second))
	server := coap.NewServer(options.WithMux(router), runner)
	l := coapnet.NewUDPConn("udp4", c)
	served := later(func() error { return server.Serve(l) })
	client, err := coap.Dial(s.LocalAddr().String(), runner)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	answer, err := client.Get(ctx, "/hello")
	if err != nil {
		t.Fatal(err)
	}
	if body, err := answer.ReadBody(); err != nil || string(body) != "world" {
		t.Errorf("answered %q, %v", body, err)
	}
	client.Close()
	<-client.Done()
	server.Stop()
	l.Close()
	take(t, "the server's end", served)
}
