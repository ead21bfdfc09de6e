package pages_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"regexp"
	"strings"
	"testing"
)

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

// The functions on the page of recipes are those of tests, word for word.
func TestRecipesAreTested(t *testing.T) {
	var tested strings.Builder
	walk(t, func(path string) {
		if strings.HasPrefix(path, "udp/") && strings.HasSuffix(path, "_test.go") || strings.HasPrefix(path, "internal/interop/") {
			tested.WriteString(read(t, path))
		}
	})
	functions := 0
	for _, b := range goBlocks(t, "docs/recipes.md") {
		for _, f := range regexp.MustCompile(`(?ms)^func .*?^}\n`).FindAllString(b.text, -1) {
			functions++
			if !strings.Contains(tested.String(), f) {
				t.Errorf("docs/recipes.md:%d: no test has this function:\n%s", b.line, f)
			}
		}
	}
	if functions < 8 {
		t.Errorf("%d recipes, want 8 at least", functions)
	}
}
