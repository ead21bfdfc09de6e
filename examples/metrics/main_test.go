package main

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"example.com/dgram/examples/internal/programtest"
	"example.com/dgram/udp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestPagesShowWhatTheServerDoes(t *testing.T) {
	p := programtest.Start(t, run, "-listen", "127.0.0.1:0", "-http", "127.0.0.1:0")
	address := p.Expect(`^echo server at (\S+)$`)[1]
	url := p.Expect(`^(http://\S+/)$`)[1]
	ask(t, address, "hello")
	ask(t, address, "again") // so the first answer is counted for sure

	text := get(t, url+"metrics")
	for _, line := range []string{
		"dgram_received_total [12]",
		"dgram_received_bytes_total (5|10)",
		"dgram_sent_total [12]",
		"dgram_dropped_kernel_total 0",
		"# TYPE dgram_send_queue gauge",
	} {
		if !regexp.MustCompile("(?m)^" + line + "$").MatchString(text) {
			t.Errorf("no %q in\n%s", line, text)
		}
	}
	var vars struct{ Dgram udp.Stats }
	if err := json.Unmarshal([]byte(get(t, url+"debug/vars")), &vars); err != nil || vars.Dgram.Received == 0 {
		t.Errorf("got %+v, %v", vars, err)
	}
	if html := get(t, url); !strings.Contains(html, "<h1>udp4 "+address+"</h1>") || !strings.Contains(html, "<td>dropped_overflow</td><td>0</td>") {
		t.Errorf("the page is\n%s", html)
	}
	p.Stop()
}

// Each line is a type, or a name and a number, and the type of a name comes first.
func TestTextIsWhatPrometheusReads(t *testing.T) {
	s, err := udp.Listen(t.Context(), "udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	w := httptest.NewRecorder()
	pages(s).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if got := w.Header().Get("Content-Type"); !strings.HasPrefix(got, "text/plain; version=0.0.4") {
		t.Errorf("the type is %q", got)
	}
	sample := regexp.MustCompile(`^([a-z_]+) \d+$`)
	kind := regexp.MustCompile(`^# TYPE ([a-z_]+) (counter|gauge)$`)
	known := map[string]bool{}
	for line := range strings.Lines(w.Body.String()) {
		line = strings.TrimSuffix(line, "\n")
		switch at := kind.FindStringSubmatch(line); {
		case at != nil && known[at[1]]:
			t.Errorf("%s is explained twice", at[1])
		case at != nil:
			known[at[1]] = true
		default:
			if at := sample.FindStringSubmatch(line); at == nil || !known[at[1]] {
				t.Errorf("bad line %q", line)
			}
		}
	}
	for name := range s.Stats().All() {
		if !known["dgram_"+name] && !known["dgram_"+name+"_total"] {
			t.Errorf("%s is not there", name)
		}
	}
}

func TestTakenPagesAreAnError(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	err = run(t.Context(), []string{"-listen", "127.0.0.1:0", "-http", taken.Addr().String()}, io.Discard)
	if !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("got %v", err)
	}
}

func TestCommandLine(t *testing.T) {
	programtest.RejectsBadFlags(t, run, "-http address")
}

// ask sends a question and waits for the answer.
func ask(t *testing.T, address, question string) {
	t.Helper()
	c, err := udp.Dial(t.Context(), "udp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Send(t.Context(), []byte(question)); err != nil {
		t.Fatal(err)
	}
	if m := <-c.Messages(); string(m.Data) != question {
		t.Fatalf("asked %q, answered %q", question, m.Data)
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %v, %v", url, answer.Status, err)
	}
	return string(body)
}
