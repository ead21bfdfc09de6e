package pages_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// docs/census.md says which test proves what a test of Node's proves. The page and
// the tests know of each other: what one names, the other has.
func TestCensus(t *testing.T) {
	page := read(t, "docs/census.md")
	upstream := regexp.MustCompile(`\b(?:parallel|sequential|internet|benchmark|async-hooks|known_issues)/[\w-]+\.m?js\b`)
	proof := regexp.MustCompile(`\b(?:Test|Benchmark)[A-Z]\w*`)

	claims := map[string]string{} // Node's test → the tests that prove it, or the reason
	for _, row := range regexp.MustCompile(`(?m)^\| (\S+/\S+) \| (.*) \|$`).FindAllStringSubmatch(page, -1) {
		if _, twice := claims[row[1]]; twice {
			t.Errorf("%s is there twice", row[1])
		}
		claims[row[1]] = row[2]
	}
	if len(claims) != 110 {
		t.Errorf("%d rows, want 110", len(claims))
	}

	models := map[string][]string{} // a test here → Node's tests in its comment
	for _, pattern := range []string{"udp/*_test.go", "multicast/*_test.go", "internal/kernel/kerneltest/*.go"} {
		files, err := filepath.Glob(inModule(pattern))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: no tests (%v)", pattern, err)
		}
		for _, name := range files {
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range file.Decls {
				if f, is := d.(*ast.FuncDecl); is {
					_, of, _ := strings.Cut(f.Doc.Text(), "Upstream:")
					models[f.Name.Name] = upstream.FindAllString(of, -1)
				}
			}
		}
	}
	for name, of := range models {
		for _, model := range of {
			if !regexp.MustCompile(`\b` + name + `\b`).MatchString(claims[model]) {
				t.Errorf("%s proves %s, and docs/census.md does not say so", name, model)
			}
		}
	}
	for model, claim := range claims {
		named := proof.FindAllString(claim, -1)
		if len(named) == 0 && !strings.HasPrefix(claim, "None. ") {
			t.Errorf("%s: neither a test nor a reason", model)
		}
		for _, name := range named {
			if _, exists := models[name]; !exists {
				t.Errorf("%s: there is no %s", model, name)
			}
		}
	}
}
