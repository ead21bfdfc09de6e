//go:build unix

package portable_test

import (
	"errors"
	"syscall"
	"testing"

	"example.com/dgram/internal/kernel/portable"
)

// A size that the system refuses is reduced to the largest that it grants.
func TestABufferIsCutToTheLimit(t *testing.T) {
	for _, limit := range []int{1, 1024, 8192, 262144, 2 << 20} {
		for _, asked := range []int{1, limit / 2, limit, limit + 1, 4 << 20, 1 << 30} {
			granted, calls := 0, 0
			err := portable.SetAtMost(asked, func(size int) error {
				if calls++; size > limit {
					return syscall.ENOBUFS
				}
				granted = size
				return nil
			})
			want := min(asked, limit)
			switch {
			case limit < 1024 && asked > limit: // the limit is too small
				if granted == 0 && !errors.Is(err, syscall.ENOBUFS) {
					t.Errorf("limit %d, asked for %d: error %v", limit, asked, err)
				}
			case err != nil || granted > want || granted < want-1024:
				t.Errorf("limit %d, asked for %d: granted %d, error %v", limit, asked, granted, err)
			}
			if calls > 40 {
				t.Errorf("limit %d, asked for %d: %d calls", limit, asked, calls)
			}
		}
	}
	err := portable.SetAtMost(1<<20, func(int) error { return syscall.EINVAL })
	if !errors.Is(err, syscall.EINVAL) {
		t.Errorf("error %v, want EINVAL", err)
	}
}
