package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
)

// A member is a worker as its parent sees it.
type member struct {
	name  string
	cmd   *exec.Cmd
	stdin io.Closer
}

// hire starts a worker and waits until it listens.
func hire(name, address string, socket *os.File) (*member, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, "-worker", name)
	cmd.Stderr = os.Stderr
	if socket != nil {
		cmd.ExtraFiles = []*os.File{socket} // descriptor 3 in the child
	} else {
		cmd.Args = append(cmd.Args, "-reuseport", "-listen", address)
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		stdin.Close()
		return nil, fmt.Errorf("%s has not started: %w", name, errors.Join(err, cmd.Wait()))
	}
	return &member{name, cmd, stdin}, nil
}
