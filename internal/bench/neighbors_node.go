package main

import (
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

//go:embed neighbors/neighbor.mjs
var nodeSource []byte // embedding needs a variable; nobody writes to it

// prepareNode puts the script into dir and says why it cannot, if so.
func prepareNode(dir string) (node, script string, why error) {
	node, err := exec.LookPath("node")
	if err != nil {
		return "", "", fmt.Errorf("node is not on this machine")
	}
	script = filepath.Join(dir, "neighbor.mjs")
	return node, script, os.WriteFile(script, nodeSource, 0o600)
}
