// Mutate shows what the tests notice. It breaks the code in one place at a time,
// runs the tests, and lists the changes that no test notices. The files are not
// touched: the go command reads the broken ones through its -overlay flag.
//
//	go run ./internal/mutate            all of them, about a quarter of an hour
//	go run ./internal/mutate -run Reply those whose promise or file matches
//	go run ./internal/mutate -l         a list of them
//
// A change that no longer fits the code is an error: bring mutations.go up to date.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// mutation is one change that breaks a promise.
type mutation struct {
	file    string // below the module's root
	promise string // what it breaks
	old     string // found once in the file
	new     string
	tests   string // the tests that should notice, for speed; then all of the package run
}

func main() {
	filter := flag.String("run", "", "only mutations whose promise or file matches this `regexp`")
	list := flag.Bool("l", false, "list the mutations and run nothing")
	timeout := flag.Duration("timeout", 3*time.Minute, "for one run of a package's tests")
	flag.Parse()
	match, err := regexp.Compile(*filter)
	if err != nil {
		fail(err)
	}
	var chosen []mutation
	for _, m := range mutations {
		if match.MatchString(m.promise) || match.MatchString(m.file) {
			chosen = append(chosen, m)
		}
	}
	if *list {
		for _, m := range chosen {
			fmt.Printf("%s: %s\n", m.file, m.promise)
		}
		return
	}
	dir, err := os.MkdirTemp("", "mutate")
	if err != nil {
		fail(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	survived, stale := 0, 0
	for i, m := range chosen {
		began := time.Now()
		verdict, by := m.try(dir, *timeout)
		switch verdict {
		case unnoticed:
			survived++
		case doesNotFit:
			stale++
		}
		fmt.Printf("%2d/%d %-13s %5.1fs  %s: %s%s\n", i+1, len(chosen), verdict, time.Since(began).Seconds(), m.file, m.promise, by)
	}
	fmt.Printf("%d changes, %d unnoticed, %d that do not fit\n", len(chosen), survived, stale)
	if survived+stale > 0 {
		_ = os.RemoveAll(dir)
		os.Exit(1)
	}
}

// What becomes of a mutation.
const (
	noticed    = "noticed"
	hangs      = "hangs" // noticed too, or the timeout is too short for this machine
	unnoticed  = "NOT NOTICED"
	doesNotFit = "DOES NOT FIT"
)

var failed = regexp.MustCompile(`--- FAIL: (\S+)`)

// try runs the tests against the changed file: first the tests that should notice, then
// all of the package. It returns the verdict and the test that noticed.
func (m mutation) try(dir string, timeout time.Duration) (verdict, by string) {
	overlay, err := m.overlay(dir)
	if err != nil {
		fmt.Println(err)
		return doesNotFit, ""
	}
	pkg := "./" + filepath.Dir(m.file)
	runs := []string{"."}
	if m.tests != "" {
		runs = []string{m.tests, "."}
	}
	for i, run := range runs {
		timeout := timeout
		if i < len(runs)-1 {
			timeout /= 3 // those that should notice are few
		}
		ctx, cancel := context.WithTimeout(context.Background(), timeout+10*time.Minute) // to compile
		cmd := exec.CommandContext(ctx, "go", "test", "-overlay", overlay, "-vet=off", "-count=1", "-failfast", "-short",
			"-timeout", timeout.String(), "-run", run, pkg)
		out, err := cmd.CombinedOutput()
		cancel()
		if bytes.Contains(out, []byte("[build failed]")) {
			fmt.Printf("%s", out)
			return doesNotFit, ""
		}
		switch {
		case bytes.Contains(out, []byte("panic: test timed out")):
			return hangs, ""
		case err != nil:
			if test := failed.FindSubmatch(out); test != nil {
				return noticed, fmt.Sprintf(" (%s)", test[1])
			}
			return noticed, ""
		}
	}
	return unnoticed, ""
}

// overlay writes the changed file, and the file that tells the go command of it.
func (m mutation) overlay(dir string) (string, error) {
	path, err := filepath.Abs(m.file)
	if err != nil {
		return "", err
	}
	src, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	if n := bytes.Count(src, []byte(m.old)); n != 1 {
		return "", fmt.Errorf("%s: found %d times, want once:\n%s", m.file, n, m.old)
	}
	changed := filepath.Join(dir, "changed.go")
	text := strings.Replace(string(src), m.old, m.new, 1)
	if err := os.WriteFile(changed, []byte(text), 0o644); err != nil {
		return "", err
	}
	b, err := json.Marshal(map[string]map[string]string{"Replace": {path: changed}})
	if err != nil {
		return "", err
	}
	overlay := filepath.Join(dir, "overlay.json")
	return overlay, os.WriteFile(overlay, b, 0o644)
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "mutate:", err)
	os.Exit(2)
}
