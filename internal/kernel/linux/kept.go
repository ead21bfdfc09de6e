//go:build linux

package linux

import (
	"slices"
	"sync"
	"syscall"
)

// keptCalls are calls to repeat on a socket that replaces this one, because the
// kernel does not report their effect: joining groups.
type keptCalls struct {
	mu    sync.Mutex
	order []any
	calls map[any]func(syscall.RawConn) error
}

// Keep remembers a call, under a key.
func (c *conn) Keep(key any, call func(syscall.RawConn) error) {
	k := &c.kept
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.calls == nil {
		k.calls = map[any]func(syscall.RawConn) error{}
	}
	if _, ok := k.calls[key]; !ok {
		k.order = append(k.order, key)
	}
	k.calls[key] = call
}

// Forget removes the calls whose keys match.
func (c *conn) Forget(match func(key any) bool) {
	k := &c.kept
	k.mu.Lock()
	defer k.mu.Unlock()
	k.order = slices.DeleteFunc(k.order, func(key any) bool {
		if !match(key) {
			return false
		}
		delete(k.calls, key)
		return true
	})
}

// repeat makes the calls on another socket.
func (k *keptCalls) repeat(raw syscall.RawConn) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, key := range k.order {
		if err := k.calls[key](raw); err != nil {
			return err
		}
	}
	return nil
}
