package main

import (
	"context"
	"errors"
	"net"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/net/dns/dnsmessage"

	"example.com/dgram/examples/internal/programtest"
	"example.com/dgram/udp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The resolver of package net is a client that knows nothing of this package.
func TestResolverOfPackageNet(t *testing.T) {
	p, address := serving(t, "127.0.0.1:0")
	r := resolver(address)
	hosts, err := r.LookupHost(t.Context(), "www.example.test.")
	slices.Sort(hosts)
	if want := []string{"192.0.2.80", "2001:db8::80"}; err != nil || !slices.Equal(hosts, want) {
		t.Errorf("got %v, %v, want %v", hosts, err, want)
	}
	texts, err := r.LookupTXT(t.Context(), "EXAMPLE.test.")
	if err != nil || !slices.Equal(texts, []string{"hello"}) {
		t.Errorf("got %q, %v", texts, err)
	}
	var missing *net.DNSError
	if _, err := r.LookupHost(t.Context(), "nobody.example.test."); !errors.As(err, &missing) || !missing.IsNotFound {
		t.Errorf("got %v", err)
	}
	p.Stop()
	p.Expect(`^\d+ questions answered, 0 failed$`)
}

func resolver(address string) *net.Resolver {
	return &net.Resolver{
		PreferGo: true,
		Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "udp", address)
		},
	}
}

// A connected client hears nobody but whom it asked.
func TestAnswersComeFromTheAddressThatWasAsked(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has every address of 127.0.0.0/8")
	}
	_, address := serving(t, "0.0.0.0:0")
	_, port, _ := net.SplitHostPort(address)
	hosts, err := resolver(net.JoinHostPort("127.0.0.53", port)).LookupHost(t.Context(), "example.test.")
	if err != nil || !slices.Equal(hosts, []string{"127.0.0.1"}) {
		t.Errorf("got %v, %v", hosts, err)
	}
}

func TestDig(t *testing.T) {
	_, address := serving(t, "127.0.0.1:0")
	dig, err := exec.LookPath("dig")
	if err != nil {
		t.Skip("dig is not installed")
	}
	host, port, _ := net.SplitHostPort(address)
	out, err := exec.Command(dig, "@"+host, "-p", port, "www.example.test", "+tries=1").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, want := range []string{"status: NOERROR", "aa", "EDNS: version: 0", "192.0.2.80"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if strings.Contains(string(out), "WARNING: Message parser reports malformed") {
		t.Errorf("malformed:\n%s", out)
	}
}

func TestAnswers(t *testing.T) {
	z, err := newZone("example.test.")
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"a.example.test.": "192.0.2.1", "long.example.test.": strings.Repeat("x", 255)} {
		for range 3 {
			if err := z.add(name, value); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, test := range []struct {
		name    string
		change  func(*dnsmessage.Message)
		rcode   dnsmessage.RCode
		answers int
		cut     bool
	}{
		{name: "a.example.test.", answers: 3},
		{name: "A.eXample.Test.", answers: 3},
		{name: "example.test.", answers: 0},
		{name: "b.example.test.", rcode: dnsmessage.RCodeNameError},
		{name: "notexample.test.", rcode: dnsmessage.RCodeRefused},
		{name: "a.example.test.", rcode: dnsmessage.RCodeRefused,
			change: func(m *dnsmessage.Message) { m.Questions[0].Class = dnsmessage.ClassCHAOS }},
		{name: "a.example.test.", rcode: dnsmessage.RCodeNotImplemented,
			change: func(m *dnsmessage.Message) { m.OpCode = 2 }},
		{name: "a.example.test.", rcode: dnsmessage.RCodeFormatError,
			change: func(m *dnsmessage.Message) { m.Questions = append(m.Questions, m.Questions[0]) }},
		{name: "long.example.test.", cut: true,
			change: func(m *dnsmessage.Message) { m.Questions[0].Type = dnsmessage.TypeTXT }},
		{name: "long.example.test.", answers: 3,
			change: func(m *dnsmessage.Message) {
				m.Questions[0].Type = dnsmessage.TypeTXT
				edns := dnsmessage.Resource{Body: &dnsmessage.OPTResource{}}
				if err := edns.Header.SetEDNS0(4096, 0, false); err != nil {
					t.Fatal(err)
				}
				m.Additionals = append(m.Additionals, edns)
			}},
	} {
		q := dnsmessage.Message{
			Header:    dnsmessage.Header{ID: 7},
			Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName(test.name), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}},
		}
		if test.change != nil {
			test.change(&q)
		}
		packed, err := q.Pack()
		if err != nil {
			t.Fatal(err)
		}
		b, ok := z.answer(packed)
		var a dnsmessage.Message
		if err := a.Unpack(b); err != nil || !ok {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if a.ID != 7 || !a.Response || a.RCode != test.rcode || len(a.Answers) != test.answers || a.Truncated != test.cut {
			t.Errorf("%s: got %v with %d answers, want %v with %d", test.name, a.GoString(), len(a.Answers), test.rcode, test.answers)
		}
		if len(a.Answers) > 0 && a.Answers[0].Header.Name != q.Questions[0].Name {
			t.Errorf("%s: the answer is about %v", test.name, a.Answers[0].Header.Name)
		}
	}
}

func TestWhatIsNoQuestionHasNoAnswer(t *testing.T) {
	z, err := newZone("example.test.")
	if err != nil {
		t.Fatal(err)
	}
	response := dnsmessage.Message{Header: dnsmessage.Header{Response: true}}
	packed, err := response.Pack()
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range [][]byte{nil, []byte("hello"), packed} {
		if a, ok := z.answer(b); ok {
			t.Errorf("%q is answered with %q", b, a)
		}
	}
}

func TestServerSurvivesNonsense(t *testing.T) {
	_, address := serving(t, "127.0.0.1:0")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	c, err := udp.Dial(ctx, "udp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, b := range []string{"", "x", strings.Repeat("\xff", 600), strings.Repeat("\x00", 12)} {
		if err := c.Send(ctx, []byte(b)); err != nil {
			t.Fatal(err)
		}
	}
	if _, ok := <-c.Messages(); !ok { // to the last: a header without a question
		t.Error("no answer")
	}
}

func FuzzAnswer(f *testing.F) {
	z, err := newZone("example.test.")
	if err != nil {
		f.Fatal(err)
	}
	q := dnsmessage.Message{Questions: []dnsmessage.Question{{Name: z.name, Type: dnsmessage.TypeSOA, Class: dnsmessage.ClassINET}}}
	packed, _ := q.Pack()
	f.Add(packed)
	f.Fuzz(func(t *testing.T, b []byte) {
		a, ok := z.answer(b)
		if !ok {
			return
		}
		if again, ok := z.answer(a); ok {
			t.Errorf("the answer %q to %q is answered with %q", a, b, again)
		}
	})
}

func TestCommandLine(t *testing.T) {
	programtest.RejectsBadFlags(t, run, "-zone name", "-zone nodot", "-record www.elsewhere.=1.2.3.4", "-record =x")
}

// serving starts a server and returns its address.
func serving(t *testing.T, listen string) (*programtest.Program, string) {
	t.Helper()
	p := programtest.Start(t, run, "-listen", listen)
	return p, p.Expect(`^answering for example\.test\. at (\S+)$`)[1]
}
