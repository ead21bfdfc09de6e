package pages_test

import (
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Of the packages that programs import, none is different on another system, and
// none goes around the compiler.
func TestUnsafeIsInInternalPackagesAlone(t *testing.T) {
	files := 0
	constraint := regexp.MustCompile(`(?m)^//go:(build|linkname|noescape)`)
	walk(t, func(path string) {
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.Contains(path, "internal/") {
			return
		}
		files++
		text := read(t, path)
		if found := constraint.FindString(text); found != "" {
			t.Errorf("%s has a %s", path, found)
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, text, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range file.Imports {
			if slices.Contains([]string{`"unsafe"`, `"C"`, `"golang.org/x/sys/unix"`, `"golang.org/x/sys/windows"`}, i.Path.Value) {
				t.Errorf("%s imports %s", path, i.Path.Value)
			}
		}
	})
	if files < 20 {
		t.Errorf("%d files were looked at", files)
	}
}

// SECURITY.md names each module that go.mod requires, and no other.
func TestDependenciesAreThoseOfTheTable(t *testing.T) {
	module := regexp.MustCompile(`(?m)^\s+(\S+\.\S+/\S+) v\d`)
	row := regexp.MustCompile("(?m)^\\| `(\\S+\\.\\S+/\\S+)` \\|")
	names := func(re *regexp.Regexp, page string) (all []string) {
		for _, m := range re.FindAllStringSubmatch(read(t, page), -1) {
			all = append(all, m[1])
		}
		slices.Sort(all)
		return all
	}
	required, listed := names(module, "go.mod"), names(row, ".github/SECURITY.md")
	if len(required) == 0 || !slices.Equal(required, listed) {
		t.Errorf("go.mod requires %v, SECURITY.md lists %v", required, listed)
	}
}

// Each threat of SECURITY.md has a test, or says that nothing is promised.
func TestThreatsHaveTests(t *testing.T) {
	rows := 0
	for line := range strings.Lines(read(t, ".github/SECURITY.md")) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		if len(cells) != 4 || strings.Contains(line, "---") || strings.Contains(line, "Attacker") {
			continue
		}
		rows++
		if !strings.Contains(cells[3], "`Test") && !strings.Contains(cells[3], "`Fuzz") && !strings.Contains(cells[3], "None.") {
			t.Errorf("no test: %s", line)
		}
	}
	if rows < 15 {
		t.Errorf("%d threats", rows)
	}
}
