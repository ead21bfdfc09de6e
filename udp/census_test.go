package udp_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// CENSUS.md says which test proves what a test of Node's proves. The page and
// the tests know of each other: what one names, the other has.
func TestCensus(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "CENSUS.md"))
	if os.IsNotExist(err) {
		t.Skip("the sources are not here: ", err)
	}
	ok(t, err)
	upstream := regexp.MustCompile(`\b(?:parallel|sequential|internet|benchmark|async-hooks|known_issues)/[\w-]+\.m?js\b`)
	proof := regexp.MustCompile(`\b(?:Test|Benchmark)[A-Z]\w*`)

	claims := map[string]string{} // Node's test → the tests that prove it, or the reason
	for _, row := range regexp.MustCompile(`(?m)^\| (\S+/\S+) \| (.*) \|$`).FindAllStringSubmatch(string(page), -1) {
		if _, twice := claims[row[1]]; twice {
			t.Errorf("%s is there twice", row[1])
		}
		claims[row[1]] = row[2]
	}
	same(t, "rows", len(claims), 110)

	models := map[string][]string{} // a test here → Node's tests in its comment
	for _, dir := range []string{".", filepath.Join("..", "multicast")} {
		files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
		ok(t, err)
		for _, name := range files {
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
			ok(t, err)
			for _, d := range file.Decls {
				if f, is := d.(*ast.FuncDecl); is && f.Recv == nil {
					_, of, _ := strings.Cut(f.Doc.Text(), "Upstream:")
					models[f.Name.Name] = upstream.FindAllString(of, -1)
				}
			}
		}
	}
	for name, of := range models {
		for _, model := range of {
			if !regexp.MustCompile(`\b` + name + `\b`).MatchString(claims[model]) {
				t.Errorf("%s proves %s, and CENSUS.md does not say so", name, model)
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
