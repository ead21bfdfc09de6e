package kernel_test

import (
	"testing"
	"testing/synctest"
	"time"

	"example.com/dgram/internal/kernel"
	"example.com/dgram/internal/posix"
)

// own are how many attempts it takes to know that an errno is about what is sent.
// attempt is the result of each, from 1.
func own(taken *kernel.ErrnoHistory, attempt func(n int) (errno posix.Errno, pending bool)) (n int, a kernel.Attempts) {
	for n = 1; ; n++ {
		if errno, pending := attempt(n); a.Failed(errno, pending, taken) {
			return n, a
		}
	}
}

func TestAnErrnoIsOwnIfItComesAgainWhileNothingIsPending(t *testing.T) {
	always := func(int) (posix.Errno, bool) { return posix.EINVAL, false }
	synctest.Test(t, func(t *testing.T) {
		var taken kernel.ErrnoHistory
		for _, step := range []struct {
			name string
			want int
			then func()
		}{
			{"without asynchronous errors", 7, func() { taken.Note(posix.EMSGSIZE) }},
			{"after one with another errno", 7, func() { taken.Note(posix.EINVAL) }},
			{"after one with its errno", 65, func() { time.Sleep(time.Second - time.Nanosecond) }},
			{"almost a second later", 65, func() { time.Sleep(time.Nanosecond) }},
			{"a second later", 7, func() { taken.Note(posix.EMSGSIZE) }},
			{"when another errno has come after that", 7, func() {}},
		} {
			n, a := own(&taken, always)
			if n != step.want || a.Errno != posix.EINVAL || a.Row != n {
				t.Errorf("%s: %d attempts, the last %d with errno %v; want %d", step.name, n, a.Row, a.Errno, step.want)
			}
			step.then()
		}
	})
}

func TestARowBeginsAgainWithAnotherErrnoOrAPendingError(t *testing.T) {
	for name, test := range map[string]struct {
		attempt func(n int) (posix.Errno, bool)
		n, row  int
	}{
		"another errno, once": {func(n int) (posix.Errno, bool) {
			if n == 6 {
				return posix.EMSGSIZE, false
			}
			return posix.EINVAL, false
		}, 13, 7},
		"another errno, each time":     {func(n int) (posix.Errno, bool) { return posix.Errno(n), false }, 1 << 12, 1},
		"a pending error, once":        {func(n int) (posix.Errno, bool) { return posix.EINVAL, n == 7 }, 13, 13},
		"a pending error, each time":   {func(int) (posix.Errno, bool) { return posix.EINVAL, true }, 1 << 12, 1 << 12},
		"a pending error at the first": {func(n int) (posix.Errno, bool) { return posix.EINVAL, n == 1 }, 7, 7},
	} {
		if n, a := own(new(kernel.ErrnoHistory), test.attempt); n != test.n || a.Row != test.row {
			t.Errorf("%s: %d attempts, a row of %d; want %d and %d", name, n, a.Row, test.n, test.row)
		}
	}
}
