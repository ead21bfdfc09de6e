// Package suites runs the test suites of other projects on our view. They need the
// network of the machine, for the modules that they want.
package suites

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var suites = flag.Bool("suites", false, "run the test suites of other projects on our view")

// A suite is a package of another project whose own tests run with our view in
// place of *net.UDPConn: the files of a copy are changed.
type suite struct {
	module, dir string
	replace     [][2]string // expressions and what takes their place, in every file
	flags       []string
}

var theirSuites = map[string]suite{
	"pion/transport": {
		module: "github.com/pion/transport/v5", dir: "udp",
		replace: [][2]string{{`net\.ListenUDP\(network, laddr\)`, "suite.Listen(network, laddr)"}},
	},
	// The proxies of quic-go's tests keep package net's sockets.
	"quic-go": {
		module: "github.com/quic-go/quic-go", dir: "integrationtests/self",
		replace: [][2]string{
			{`(quic\.Listen(?:Early)?\(\s*|(?:ctx|context\.Background\(\)|context\.TODO\(\)),\s*|quic\.Transport\{(?:[^{}]*?\s)?Conn:\s*)newUDPConnLocalhost\(`, "${1}suite.Localhost("},
		},
		flags: []string{"-skip=Benchmark"},
	},
}

// listen is a package that is put into the copy.
const listen = `package suite

import (
	"context"
	"net"
	"testing"

	"example.com/dgram/udp"
)

func Listen(network string, laddr *net.UDPAddr) (*udp.PacketConn, error) {
	address := ":0"
	if laddr != nil {
		address = laddr.String()
	}
	s, err := udp.Listen(context.Background(), network, address)
	if err != nil {
		return nil, err
	}
	return s.PacketConn(), nil
}

func Localhost(t testing.TB) *udp.PacketConn {
	c, err := Listen("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}
`

// The suites take minutes: -suites runs them.
func TestTheirSuitesPassOnOurView(t *testing.T) {
	if !*suites {
		t.Skip("-suites runs the test suites of other projects, which takes minutes")
	}
	for name, s := range theirSuites {
		t.Run(name, func(t *testing.T) { s.run(t) })
	}
}

func (s suite) run(t *testing.T) {
	from, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", s.module).Output()
	if err != nil {
		t.Skip("not here: ", err)
	}
	copied := filepath.Join(t.TempDir(), "module")
	if err := os.CopyFS(copied, os.DirFS(strings.TrimSpace(string(from)))); err != nil {
		t.Fatal(err)
	}
	changed := s.patch(t, copied)
	t.Logf("%d files listen with dgram", changed)
	here, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"mod", "edit", "-require=example.com/dgram@v0.0.0", "-replace=example.com/dgram=" + here},
		append([]string{"test", "-mod=mod", "-count=1", "-timeout=10m", "./" + s.dir}, s.flags...),
	} {
		c := exec.Command("go", args...)
		c.Dir = copied
		out, err := c.CombinedOutput()
		t.Logf("%s", out[max(0, len(out)-4000):])
		if err != nil {
			t.Fatal(err)
		}
	}
}

// patch changes the files of the copy so that they listen with dgram, and returns
// how many were changed.
func (s suite) patch(t *testing.T, copied string) (changed int) {
	t.Helper()
	if err := os.Mkdir(filepath.Join(copied, "suite"), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(copied, "suite", "suite.go"), listen)
	paths, err := filepath.Glob(filepath.Join(copied, s.dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		patched := string(text)
		for _, r := range s.replace {
			patched = regexp.MustCompile(r[0]).ReplaceAllString(patched, r[1])
		}
		if patched == string(text) {
			continue
		}
		write(t, path, strings.Replace(patched, "import (\n", "import (\n\t\""+s.module+"/suite\"\n", 1))
		changed++
	}
	if changed == 0 {
		t.Fatal("nothing was changed: the suite would run on package net")
	}
	return changed
}

func write(t *testing.T, path, text string) {
	t.Helper()
	_ = os.Chmod(path, 0o600) // a copy of the module cache is read-only
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
