package pages_test

import (
	"cmp"
	"errors"
	"fmt"
	"go/ast"
	"go/doc/comment"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"

	_ "example.com/dgram/multicast" // the test cache has to know what the pages use
	_ "example.com/dgram/udp"
	_ "example.com/dgram/udp/session"
	_ "example.com/dgram/udp/udptest"
)

func TestGoOnThePagesCompiles(t *testing.T) {
	for _, page := range pages(t) {
		for _, b := range goBlocks(t, page) {
			if page == "docs/recipes.md" && b.declares() {
				continue // TestRecipesAreTested
			}
			if err := compile(t, b.program()); err != nil {
				t.Errorf("%s:%d: %v\n%s", page, b.line, err, b.text)
			}
		}
	}
}

// The code in the comments of package udp compiles. A block is code if it says
// so with an assignment or a brace; the others are tables.
func TestGoInTheManualCompiles(t *testing.T) {
	blocks := 0
	walk(t, func(path string) {
		if !strings.HasPrefix(path, "udp/") || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return
		}
		for _, b := range commentBlocks(t, path) {
			if strings.Contains(b.text, ":= ") || strings.Contains(b.text, "{") {
				blocks++
				if err := compile(t, b.program()); err != nil {
					t.Errorf("%s:%d: %v\n%s", path, b.line, err, b.text)
				}
			}
		}
	})
	if blocks == 0 {
		t.Error("there is no code in the manual")
	}
}

// In a table under a heading "… | dgram", what the last cell of a row has in
// backquotes is Go.
func TestGoInTheTablesCompiles(t *testing.T) {
	rows := 0
	for _, page := range pages(t) {
		inside := false
		for i, line := range strings.Split(read(t, page), "\n") {
			if !strings.HasPrefix(line, "|") {
				inside = false
				continue
			}
			cells := strings.Split(strings.ReplaceAll(strings.Trim(line, "| "), `\|`, "\x00"), "|")
			last := strings.ReplaceAll(strings.TrimSpace(cells[len(cells)-1]), "\x00", "|")
			switch {
			case last == "dgram":
				inside = true
			case inside && !strings.HasPrefix(last, "-"):
				rows++
				for _, code := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(last, -1) {
					if err := compileAny(t, code[1]); err != nil {
						t.Errorf("%s:%d: %v: %s", page, i+1, err, code[1])
					}
				}
			}
		}
	}
	if rows == 0 {
		t.Error("no page has such a table")
	}
}

// ---- Go on a page ---------------------------------------------------------------

type block struct {
	line int
	text string
}

// goBlocks are the fenced blocks of a page that say they are Go.
func goBlocks(t *testing.T, page string) (blocks []block) {
	t.Helper()
	var b *block
	for i, line := range strings.Split(read(t, page), "\n") {
		switch {
		case b == nil && strings.TrimSpace(line) == "```go":
			b = &block{line: i + 2}
		case b != nil && strings.TrimSpace(line) == "```":
			blocks = append(blocks, *b)
			b = nil
		case b != nil:
			b.text += line + "\n"
		}
	}
	return blocks
}

// commentBlocks are the indented blocks in the doc comments of a file.
func commentBlocks(t *testing.T, path string) (blocks []block) {
	t.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, path, read(t, path), parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	for _, group := range file.Comments {
		var doc comment.Parser
		for _, part := range doc.Parse(group.Text()).Content {
			if code, ok := part.(*comment.Code); ok {
				blocks = append(blocks, block{line: fset.Position(group.Pos()).Line, text: code.Text})
			}
		}
	}
	return blocks
}

// program makes a file of a block: it may be one, or declarations, or
// statements. What statements use without having made it is declared for them.
func (b block) program() string {
	if strings.HasPrefix(b.text, "package ") {
		return b.text
	}
	if b.declares() {
		return prelude + b.text
	}
	return prelude + "func _() error {\n" + b.text + "\nreturn nil\n}\n"
}

// declares reports whether the block is declarations, not statements.
func (b block) declares() bool {
	return regexp.MustCompile(`^(//.*\n)*(func|type|var) `).MatchString(b.text)
}

// compileAny is compile for statements, an expression or a type.
func compileAny(t *testing.T, code string) error {
	t.Helper()
	err := compile(t, block{text: code}.program())
	for _, as := range []string{"_ = " + code, "var _ " + code} {
		if err != nil && compile(t, block{text: as}.program()) == nil {
			err = nil
		}
	}
	return err
}

const prelude = `package p
import (
	"bytes"; "context"; "errors"; "expvar"; "fmt"; "io"; "log"; "net"; "net/netip"; "os"; "os/exec"; "os/signal"; "sync"; "syscall"
	"testing"; "testing/synctest"; "time"
	"golang.org/x/net/ipv4"
	"example.com/dgram/multicast"; "example.com/dgram/udp"
	"example.com/dgram/udp/session"; "example.com/dgram/udp/udptest"
)
var (
	_ context.Context; _ = errors.Is; _ = expvar.Publish; _ = fmt.Print; _ = log.Print; _ net.Addr
	_ netip.Addr; _ os.File; _ syscall.Errno; _ time.Time; _ ipv4.Message; _ multicast.Option; _ udp.Option
	_ = bytes.Equal; _ exec.Cmd; _ = signal.NotifyContext; _ sync.Mutex; _ = synctest.Test; _ udptest.Option; _ session.Option
	t *testing.T
	ctx context.Context
	ticker *time.Ticker
	w io.Writer
	s, c *udp.Socket
	m udp.Message
	mux *session.Mux
	peer, to netip.AddrPort
	group, source netip.Addr
	data, header, body []byte
	batch []udp.Datagram
	file *os.File
)
func handle(udp.Message) {}
func apply(udp.Message) {}
func step() {}
`

// compile checks the types of a file. It minds no unused variables: a page
// shows pieces.
func compile(t *testing.T, source string) error {
	t.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "page.go", source, 0)
	if err != nil {
		return err
	}
	imports, err := exports()
	if err != nil {
		t.Fatal(err)
	}
	config := types.Config{
		Importer: imports,
		Error: func(e error) {
			if te := (types.Error{}); !errors.As(e, &te) || !te.Soft {
				err = cmp.Or(err, e)
			}
		},
	}
	config.Check("p", fset, []*ast.File{file}, nil)
	return err
}

// exports imports everything that a page may, from what the compiler has
// exported.
var exports = sync.OnceValues(func() (types.Importer, error) {
	list := exec.Command("go", "list", "-export", "-deps", "-f", "{{.ImportPath}} {{.Export}}",
		"./udp/...", "./multicast", "golang.org/x/net/ipv4", "context", "errors", "expvar", "fmt", "log", "os/exec", "os/signal", "testing/synctest")
	list.Dir = inModule(".")
	out, err := list.Output()
	if err != nil {
		if e := (*exec.ExitError)(nil); errors.As(err, &e) {
			err = fmt.Errorf("%w: %s", err, e.Stderr)
		}
		return nil, err
	}
	files := map[string]string{}
	for line := range strings.Lines(string(out)) {
		if path, file, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			files[path] = file
		}
	}
	open := func(path string) (io.ReadCloser, error) { return os.Open(files[path]) }
	return importer.ForCompiler(token.NewFileSet(), "gc", open), nil
})
