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
//
// http://127.0.0.1:8125/ is a page for people.
package main

import (
	"context"
	"errors"
	"expvar"
	"fmt"
	"html/template"
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
	return serve(ctx, *listen, *page, stdout)
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
	fmt.Fprintf(stdout, "http://%v/\n", listener.Addr())

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
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		// A reader that has gone away is the only error, and needs no answer.
		_ = page.Execute(w, map[string]any{"Socket": s, "Stats": s.Stats().All()})
	})
	return mux
}

// page is the page for people. It loads itself again each second.
var page = template.Must(template.New("page").Parse(`<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="refresh" content="1">
<title>{{.Socket}}</title>
<style>body { font: 16px sans-serif; margin: 2em } td { padding: .1em 1em .1em 0 } td + td { text-align: right }</style>
<h1>{{.Socket}}</h1>
<table>
{{range $name, $value := .Stats}}<tr><td>{{$name}}</td><td>{{$value}}</td></tr>
{{end}}</table>
<p>Also for <a href="/metrics">Prometheus</a> and as <a href="/debug/vars">JSON</a>.</p>
</html>
`))

// prometheus writes the text format, version 0.0.4.
func prometheus(w io.Writer, s *udp.Socket) {
	metric := func(name, kind string, value uint64) {
		fmt.Fprintf(w, "# TYPE dgram_%s %s\ndgram_%s %d\n", name, kind, name, value)
	}
	for name, value := range s.Stats().All() {
		if name == "waiting" { // the one number that also falls
			metric(name, "gauge", value)
		} else {
			metric(name+"_total", "counter", value)
		}
	}
	metric("send_queue", "gauge", uint64(s.SendQueueCount()))
}
