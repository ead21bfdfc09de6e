package udp_test

import (
	"errors"
	"net"
	"strings"
	"testing"
)

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// supported is ok, and skips the test where the system lacks what was asked for.
func supported(t testing.TB, err error) {
	t.Helper()
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
	ok(t, err)
}

// kernelConnects skips the test where connecting is not the kernel's work (see package
// portable). A socket hears no refusals there, and keeps its wildcard address.
func kernelConnects(t testing.TB, f family) {
	t.Helper()
	if why := unknownPeer(t, f); why != "" {
		t.Skip(why)
	}
}

// unknownPeer says why the kernel does not connect, or nothing.
func unknownPeer(t testing.TB, f family) (why string) {
	t.Helper()
	file, err := dial(t, f.network, of(std(t, f))).File()
	if errors.Is(err, errors.ErrUnsupported) {
		return err.Error()
	}
	ok(t, err)
	defer file.Close()
	c, err := net.FileConn(file)
	ok(t, err)
	defer c.Close()
	if c.RemoteAddr() == nil {
		return "the kernel does not know a socket's peer here"
	}
	return ""
}

// fails expects an error that is each of the targets.
func fails(t testing.TB, err error, targets ...error) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %v", targets)
	}
	for _, target := range targets {
		if !errors.Is(err, target) {
			t.Fatalf("%v (%T), want %v", err, err, target)
		}
	}
}

// shaped expects an error in the shape of net's, with an operation and a text
// that names the address.
func shaped(t testing.TB, err error, op, address string) {
	t.Helper()
	var shape *net.OpError
	if !errors.As(err, &shape) {
		t.Fatalf("%v (%T) is no *net.OpError", err, err)
	}
	if shape.Op != op {
		t.Errorf("%v: operation %q, want %q", err, shape.Op, op)
	}
	if !strings.Contains(err.Error(), address) {
		t.Errorf("%q does not name %s", err, address)
	}
}

func same[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}
