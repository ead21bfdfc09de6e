package main

import (
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

//go:embed neighbors/neighbor.c
var cSource []byte // embedding needs a variable; nobody writes to it

// prepareC compiles the C program into dir and says why it cannot, if so.
func prepareC(dir string) (program string, why error) {
	gcc, err := exec.LookPath("gcc")
	if err != nil {
		return "", fmt.Errorf("gcc is not on this machine")
	}
	source := filepath.Join(dir, "neighbor.c")
	if err := os.WriteFile(source, cSource, 0o600); err != nil {
		return "", err
	}
	program = filepath.Join(dir, "neighbor")
	if out, err := exec.Command(gcc, "-O2", "-Wall", "-o", program, source).CombinedOutput(); err != nil {
		return "", fmt.Errorf("gcc: %s", lastLine(string(out)))
	}
	return program, nil
}
