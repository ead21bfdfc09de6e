package watch_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"example.com/dgram/internal/watch"
)

var (
	eth0 = watch.Interface{Index: 2, Name: "eth0", Up: true, Multicast: true}
	eth1 = watch.Interface{Index: 3, Name: "eth1", Up: true, Multicast: true}
)

func TestPollingSeesWhatChangesAtTheNextLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		again := watch.Interface{Index: 9, Name: "eth0", Up: true, Multicast: true}
		w := watch.Poll(func() ([]watch.Interface, error) {
			switch age := time.Since(start); {
			case age < 2500*time.Millisecond:
				return []watch.Interface{eth0}, nil
			case age < 3500*time.Millisecond:
				return []watch.Interface{eth0, eth1}, nil
			case age < 4500*time.Millisecond:
				return nil, errors.New("busy")
			}
			return []watch.Interface{again}, nil
		}, time.Second)
		defer w.Close()

		c, err := w.Wait(t.Context())
		if err != nil || !slices.Equal(c.Interfaces, []watch.Interface{eth0, eth1}) || len(c.Deleted) > 0 {
			t.Errorf("%+v, %v", c, err)
		}
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("it took %v", took)
		}
		c, err = w.Wait(t.Context())
		if err != nil || !slices.Equal(c.Interfaces, []watch.Interface{again}) || !slices.Equal(c.Deleted, []int{2, 3}) {
			t.Errorf("%+v, %v", c, err)
		}
		if took := time.Since(start); took != 5*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

func TestPollingEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch.Poll(func() ([]watch.Interface, error) { return nil, nil }, time.Minute)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if _, err := w.Wait(ctx); err != context.DeadlineExceeded {
			t.Error(err)
		}
	})
}
