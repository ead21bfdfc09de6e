package dgram_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// FAULTS.md lists 51 faults, each with tests that exist or with the reason why
// there are none.
func TestFaults(t *testing.T) {
	tests := declaredTests(t)
	page, err := os.ReadFile("FAULTS.md")
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile(`^\| (\d+) \|(.*)\|(.*)\|(.*)\|$`)
	n := 0
	for line := range strings.Lines(string(page)) {
		cells := row.FindStringSubmatch(strings.TrimSpace(line))
		if cells == nil {
			continue
		}
		if n++; cells[1] != fmt.Sprint(n) {
			t.Errorf("row %d has number %s", n, cells[1])
		}
		names := regexp.MustCompile(`\b(Test|Fuzz)\w+`).FindAllString(cells[4], -1)
		if len(names) == 0 && !strings.Contains(cells[3], "None. ") {
			t.Errorf("fault %d has neither a test nor a reason", n)
		}
		for _, name := range names {
			if !tests[name] {
				t.Errorf("fault %d: there is no %s", n, name)
			}
		}
	}
	if n != 51 {
		t.Errorf("%d faults, want 51", n)
	}
}

// declaredTests are those of the module.
func declaredTests(t *testing.T) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	declaration := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range declaration.FindAllStringSubmatch(string(text), -1) {
			all[m[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
