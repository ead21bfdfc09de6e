// Metrics shows what a socket does: Stats as JSON for expvar's readers, and as
// text for Prometheus.
//
//	go run ./examples/metrics    an echo server at 127.0.0.1:41234, until Ctrl-C
//
// To see it count:
//
//	echo hello | nc -u -w1 127.0.0.1 41234
//	curl http://127.0.0.1:8125/metrics
//	curl http://127.0.0.1:8125/debug/vars
package main

import (
	"context"
	"errors"
	"expvar"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"example.com/dgram/examples/internal/program"
	"example.com/dgram/udp"
)

func main() { program.Main("metrics", run) }

func run(ctx context.Context, args []string, stdout io.Writer) error {
	flags := program.Flags("metrics", "Metrics is an echo server whose counters can be read with HTTP, until Ctrl-C.", stdout)
	listen := flags.String("listen", "127.0.0.1:41234", "`address` of the echo server")
	page := flags.String("http", "127.0.0.1:8125", "`address` of the pages")
	if err := program.Parse(flags, args); err != nil {
		return err
	}
	err := serve(ctx, *listen, *page, stdout)
	return err
}

// serve is the echo server and the pages. When one of them ends, so does the
// other.
func serve(ctx context.Context, listen, page string, stdout io.Writer) error {
	// OverflowDropNewest makes a slow server visible as a counter of this socket: the
	// default leaves datagrams to the kernel, which counts what it drops too.
	s, err := udp.Listen(ctx, "udp", listen, udp.WithOverflow(udp.OverflowDropNewest))
	if err != nil {
		return err
	}
	defer s.Close()
	local := s.LocalAddr()
	listener, err := net.Listen("tcp", page)
	if err != nil {
		return err
	}
	server := http.Server{Handler: pages(s), ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan error, 1)
	go func() {
		ended <- server.Serve(listener)
		s.Close()
	}()
	fmt.Fprintf(stdout, "echo server at %v\n", local)
	fmt.Fprintf(stdout, "http://%v/metrics and http://%v/debug/vars\n", listener.Addr(), listener.Addr())

	for m := range s.Messages() {
		_ = s.Reply(ctx, m, m.Data) // that is in the counters
		m.Release()
	}
	server.Close()
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return s.Err()
}

// pages are what HTTP shows.
func pages(s *udp.Socket) http.Handler {
	// A program with one set of variables calls expvar.Publish, which serves
	// /debug/vars by itself. A map of one's own can be had twice, as in tests.
	vars := new(expvar.Map)
	vars.Set("dgram", expvar.Func(func() any { return s.Stats() }))
	mux := http.NewServeMux()
	mux.HandleFunc("GET /debug/vars", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		fmt.Fprintln(w, vars)
	})
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		prometheus(w, s)
	})
	return mux
}

// prometheus writes the text format, version 0.0.4.
func prometheus(w io.Writer, s *udp.Socket) {
	st := s.Stats()
	counter := func(name, help string) {
		fmt.Fprintf(w, "# HELP dgram_%s_total %s\n# TYPE dgram_%s_total counter\n", name, help, name)
	}
	for _, c := range []struct {
		name, help string
		value      uint64
	}{
		{"received_datagrams", "Datagrams handed to the program.", st.Received},
		{"received_bytes", "Bytes of those.", st.ReceivedBytes},
		{"sent_datagrams", "Datagrams that the kernel took.", st.Sent},
		{"sent_bytes", "Bytes of those.", st.SentBytes},
		{"send_dropped_datagrams", "Datagrams queued and never taken by the kernel.", st.SendDropped},
		{"truncated_datagrams", "Datagrams that were cut off.", st.Truncated},
		{"errors", "Errors outside any call.", st.Errors},
		{"read_calls", "System calls that received.", st.ReadCalls},
		{"write_calls", "System calls that sent.", st.WriteCalls},
	} {
		counter(c.name, c.help)
		fmt.Fprintf(w, "dgram_%s_total %d\n", c.name, c.value)
	}
	// One name and a label for each cause: their sum is what was lost, as a
	// datagram is counted under one cause alone.
	counter("dropped_datagrams", "Datagrams that reached the socket and not the program.")
	for _, c := range []struct {
		cause string
		value uint64
	}{
		{"kernel", st.DroppedKernel},
		{"overflow", st.DroppedOverflow},
		{"blocked", st.DroppedBlocked},
		{"closed", st.DroppedClosed},
	} {
		fmt.Fprintf(w, "dgram_dropped_datagrams_total{cause=%q} %d\n", c.cause, c.value)
	}
	fmt.Fprintf(w, "# HELP dgram_send_queue_datagrams Datagrams that wait to be sent.\n")
	fmt.Fprintf(w, "# TYPE dgram_send_queue_datagrams gauge\n")
	fmt.Fprintf(w, "dgram_send_queue_datagrams %d\n", s.SendQueueCount())
}
