package pages_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// docs/faults.md lists faults by number, each with tests that exist or with the reason why
// there are none.
func TestFaults(t *testing.T) {
	tests := declared(t)
	row := regexp.MustCompile(`^\| (\d+) \|(.*)\|(.*)\|(.*)\|$`)
	n := 0
	for line := range strings.Lines(read(t, "docs/faults.md")) {
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
	if n < 77 {
		t.Errorf("%d faults, want 77 at least", n)
	}
}
