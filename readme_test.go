package dgram_test

import (
	"bytes"
	"cmp"
	"fmt"
	"go/ast"
	"go/doc/comment"
	"go/importer"
	"go/parser"
	"go/printer"
	"go/token"
	"go/types"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// The pages are checked like code: what they show compiles, what they name
// exists.

var pages, _ = filepath.Glob("*.md")

func TestReadmeBeginsWithTheExample(t *testing.T) {
	blocks := goBlocks(t, "README.md")
	if len(blocks) == 0 {
		t.Fatal("README.md shows no Go")
	}
	shown := loopIn(t, "README.md", blocks[0].text, "main")
	tested := loopIn(t, "udp/example_test.go", read(t, "udp/example_test.go"), "Example")
	if shown != tested {
		t.Errorf("README.md shows\n%s\n\nudp/example_test.go tests\n%s", shown, tested)
	}
}

// loopIn is the last loop in a function of a file.
func loopIn(t *testing.T, name, source, function string) string {
	t.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, source, 0)
	if err != nil {
		t.Fatal(err)
	}
	loop := ""
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Name.Name == function {
			for _, stmt := range f.Body.List {
				if stmt, ok := stmt.(*ast.ForStmt); ok {
					loop = print(fset, stmt)
				}
			}
		}
	}
	if loop == "" {
		t.Fatalf("%s has no loop in %s", name, function)
	}
	return loop
}

func print(fset *token.FileSet, node any) string {
	var b bytes.Buffer
	if err := printer.Fprint(&b, fset, node); err != nil {
		return err.Error()
	}
	return b.String()
}

func TestGoOnThePagesCompiles(t *testing.T) {
	for _, page := range pages {
		for _, b := range goBlocks(t, page) {
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
		if filepath.Dir(path) != "udp" || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
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
	for _, page := range pages {
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

func TestPagesNameTestsThatExist(t *testing.T) {
	var code strings.Builder
	walk(t, func(path string) {
		if strings.HasSuffix(path, "_test.go") {
			code.WriteString(read(t, path))
		}
	})
	named := regexp.MustCompile(`\b(Test|Fuzz|Benchmark|Example)[A-Z]\w+`)
	for _, page := range pages {
		for _, name := range named.FindAllString(read(t, page), -1) {
			if !strings.Contains(code.String(), "func "+name+"(") {
				t.Errorf("%s names %s, which does not exist", page, name)
			}
		}
	}
}

func TestPagesLinkToFilesThatExist(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)|src="([^":]+)"`)
	for _, page := range pages {
		for _, m := range link.FindAllStringSubmatch(read(t, page), -1) {
			path := cmp.Or(m[1], m[3])
			if _, err := os.Stat(filepath.FromSlash(path)); err != nil {
				t.Errorf("%s: %v", page, err)
			}
		}
	}
}

func TestReadmeHasEveryExample(t *testing.T) {
	readme := read(t, "README.md")
	programs, err := filepath.Glob("examples/*/main.go")
	if err != nil || len(programs) == 0 {
		t.Fatal(programs, err)
	}
	for _, program := range programs {
		if !strings.Contains(readme, "]("+filepath.ToSlash(program)+")") {
			t.Errorf("README.md does not link to %s", program)
		}
	}
}

func TestPagesLinkToHeadingsThatExist(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#:]*)#([^)]+)\)`)
	for _, page := range pages {
		for _, m := range link.FindAllStringSubmatch(read(t, page), -1) {
			if to := cmp.Or(m[1], page); !headings(t, to)[m[2]] {
				t.Errorf("%s: %s has no heading #%s", page, to, m[2])
			}
		}
	}
}

// headings are the anchors of a page, as those who render it make them.
func headings(t *testing.T, page string) map[string]bool {
	t.Helper()
	anchors := map[string]bool{}
	for _, line := range strings.Split(read(t, page), "\n") {
		if title, ok := strings.CutPrefix(strings.TrimLeft(line, "#"), " "); ok && strings.HasPrefix(line, "#") {
			title = regexp.MustCompile(`[^\w\s-]`).ReplaceAllString(strings.ToLower(title), "")
			anchors[strings.ReplaceAll(title, " ", "-")] = true
		}
	}
	return anchors
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
	if regexp.MustCompile(`^(//.*\n)*(func|type|var) `).MatchString(b.text) {
		return prelude + b.text
	}
	return prelude + "func _() error {\n" + b.text + "\nreturn nil\n}\n"
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
	"context"; "errors"; "expvar"; "fmt"; "log"; "net"; "net/netip"; "os"; "syscall"; "time"
	"golang.org/x/net/ipv4"
	"example.com/dgram/multicast"; "example.com/dgram/udp"
)
var (
	_ context.Context; _ = errors.Is; _ = expvar.Publish; _ = fmt.Print; _ = log.Print; _ net.Addr
	_ netip.Addr; _ os.File; _ syscall.Errno; _ time.Time; _ ipv4.Message; _ multicast.Option; _ udp.Option
	ctx context.Context
	s, c *udp.Socket
	m udp.Message
	peer, to netip.AddrPort
	group, source netip.Addr
	data, header, body []byte
	batch []udp.Datagram
	file *os.File
)
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
			if te, ok := e.(types.Error); !ok || !te.Soft {
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
		"./udp", "./multicast", "golang.org/x/net/ipv4", "context", "errors", "expvar", "fmt", "log", "os/signal")
	out, err := list.Output()
	if err != nil {
		if e, ok := err.(*exec.ExitError); ok {
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

// ---- files --------------------------------------------------------------------

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.FromSlash(path))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// walk calls f with every file of the repository.
func walk(t *testing.T, f func(path string)) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path == ".git":
			return fs.SkipDir
		case d.Type().IsRegular():
			f(path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
