package pages_test

import (
	"cmp"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestPagesNameTestsThatExist(t *testing.T) {
	exists := declared(t)
	named := regexp.MustCompile(`\b((Test|Fuzz|Benchmark)[A-Z]|Example[A-Z_])\w+`)
	for _, page := range pages(t) {
		for _, name := range named.FindAllString(read(t, page), -1) {
			if !exists[name] {
				t.Errorf("%s names %s, which does not exist", page, name)
			}
		}
	}
}

// declared returns the names of the tests, benchmarks and examples of the module
// and of the modules inside it. Those of the conformance suite are methods.
func declared(t *testing.T) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	function := regexp.MustCompile(`(?m)^func (?:\(s suite\) )?((?:Test|Fuzz|Benchmark|Example)\w*)\(`)
	walk(t, func(path string) {
		if strings.HasSuffix(path, "_test.go") || strings.HasPrefix(path, "internal/kernel/kerneltest/") {
			for _, m := range function.FindAllStringSubmatch(read(t, path), -1) {
				all[m[1]] = true
			}
		}
	})
	return all
}

func TestPagesLinkToFilesThatExist(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)|src="([^":]+)"`)
	for _, page := range pages(t) {
		for _, m := range link.FindAllStringSubmatch(read(t, page), -1) {
			if _, err := os.Stat(inModule(from(page, cmp.Or(m[1], m[3])))); err != nil {
				t.Errorf("%s: %v", page, err)
			}
		}
	}
}

// from resolves a link on a page.
func from(page, link string) string {
	return path.Join(path.Dir(page), link)
}

func TestReadmeHasEveryExample(t *testing.T) {
	readme := read(t, "README.md")
	programs, err := filepath.Glob(inModule("examples/*/main.go"))
	if err != nil || len(programs) == 0 {
		t.Fatal(programs, err)
	}
	for _, program := range programs {
		if !strings.Contains(readme, "]("+fromRoot(t, program)+")") {
			t.Errorf("README.md does not link to %s", program)
		}
	}
}

func TestPagesLinkToHeadingsThatExist(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#:]*)#([^)]+)\)`)
	for _, page := range pages(t) {
		for _, m := range link.FindAllStringSubmatch(read(t, page), -1) {
			to := page
			if m[1] != "" {
				to = from(page, m[1])
			}
			if !headings(t, to)[m[2]] {
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
