//go:build linux

package linux

import (
	"slices"
	"sync"
	"syscall"
)

// keptCalls are what has to be done again on a socket that takes the place of
// this one, because the kernel cannot be asked for it: memberships in groups.
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

// Forget takes back what was kept under the keys that match.
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
