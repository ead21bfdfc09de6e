package main

import (
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestEveryKindOfNameHasALine(t *testing.T) {
	var out strings.Builder
	if err := run([]string{"io/fs", "flag"}, &out); err != nil {
		t.Fatal(err)
	}
	all := strings.Split(out.String(), "\n")
	for _, want := range []string{
		"fs: const ModeDir FileMode = 2147483648",
		"fs: func Stat(fsys FS, name string) (FileInfo, error)",
		"fs: method (FileMode) Perm() FileMode",
		"fs: method (*PathError) Unwrap() error",
		"fs: type FS interface{Open(name string) (File, error)}",
		"fs: type FileMode uint32",
		"fs: type PathError struct, Op string",
		"fs: var ErrExist error",
		"flag: type Flag struct",
		"flag: type Flag struct, DefValue string",
	} {
		if !slices.Contains(all, want) {
			t.Errorf("no line %q", want)
		}
	}
	for _, line := range all {
		if strings.Contains(line, "formal ") || strings.Contains(line, "struct, actual") {
			t.Errorf("not exported: %s", line)
		}
	}
}

func TestAPackageThatDoesNotExistIsAnError(t *testing.T) {
	if err := run([]string{"example.com/dgram/no/such/package"}, &strings.Builder{}); err == nil {
		t.Error("no error")
	}
}
