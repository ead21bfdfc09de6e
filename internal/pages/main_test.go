// Package pages tests the pages of the module: what they show compiles, what they
// name exists, and what they say of package net is so.
package pages_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// inModule returns where a file of the module is, by its slash-separated path from
// the root. The tests name files so and stay in their directory: the test cache of
// the go command does not see a change of directory that TestMain makes.
func inModule(path string) string {
	return filepath.Join("..", "..", filepath.FromSlash(path))
}

// fromRoot is the inverse of inModule.
func fromRoot(t *testing.T, path string) string {
	t.Helper()
	relative, err := filepath.Rel(inModule("."), path)
	if err != nil {
		t.Fatal(err)
	}
	return filepath.ToSlash(relative)
}

// pages returns the paths of all pages.
func pages(t *testing.T) (all []string) {
	t.Helper()
	for _, pattern := range []string{"*.md", "docs/*.md", ".github/*.md", ".github/*/*.md"} {
		found, err := filepath.Glob(inModule(pattern))
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: no pages (%v)", pattern, err)
		}
		for _, path := range found {
			all = append(all, fromRoot(t, path))
		}
	}
	return all
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(inModule(path))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// walk calls f with the path of every file of the repository.
func walk(t *testing.T, f func(path string)) {
	t.Helper()
	err := filepath.WalkDir(inModule("."), func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.Name() == ".git":
			if d.IsDir() {
				return fs.SkipDir
			}
		case d.Type().IsRegular():
			f(fromRoot(t, path))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
