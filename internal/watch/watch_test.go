package watch_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"example.com/dgram/internal/netlab"
	"example.com/dgram/internal/watch"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(netlab.Inside(m)) }

// until waits for a state of the interfaces, and returns what was deleted on
// the way to it.
func until(t *testing.T, w watch.Watcher, there func([]watch.Interface) bool) (deleted []int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		c, err := w.Wait(ctx)
		if err != nil {
			t.Fatal(err)
		}
		deleted = append(deleted, c.Deleted...)
		if there(c.Interfaces) {
			return deleted
		}
	}
}

func find(is []watch.Interface, name string) *watch.Interface {
	if i := slices.IndexFunc(is, func(i watch.Interface) bool { return i.Name == name }); i >= 0 {
		return &is[i]
	}
	return nil
}

// polling returns a Watcher that polls often.
func polling() (watch.Watcher, error) { return watch.Poll(watch.Now, time.Millisecond), nil }

func TestPollingSeesInterfacesComeAndGo(t *testing.T) { seesInterfacesComeAndGo(t, polling) }

func seesInterfacesComeAndGo(t *testing.T, open func() (watch.Watcher, error)) {
	lab := netlab.New(t)
	home, peer := lab.Home(), lab.Host("peer")
	w, err := open()
	lab.Must(err)
	defer w.Close()

	lab.Link(home.Port("watched"), peer.Port("eth0"))
	until(t, w, func(is []watch.Interface) bool {
		i := find(is, "watched")
		return i != nil && i.Up && i.Multicast
	})
	index, err := home.Index("watched")
	lab.Must(err)

	lab.Must(home.Down("watched"))
	until(t, w, func(is []watch.Interface) bool { return !find(is, "watched").Up })

	lab.Must(home.Delete("watched"))
	deleted := until(t, w, func(is []watch.Interface) bool { return find(is, "watched") == nil })
	if !slices.Contains(deleted, index) {
		t.Errorf("deleted are %v, without %d", deleted, index)
	}
}

func TestPollingGoesOnAfterAContextHasEnded(t *testing.T) { goesOnAfterAContextHasEnded(t, polling) }

func goesOnAfterAContextHasEnded(t *testing.T, open func() (watch.Watcher, error)) {
	lab := netlab.New(t)
	home, peer := lab.Home(), lab.Host("peer")
	w, err := open()
	lab.Must(err)
	defer w.Close()

	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	for ctx.Err() == nil {
		if _, err := w.Wait(ctx); err != nil && err != context.DeadlineExceeded {
			t.Error(err)
		}
	}
	lab.Link(home.Port("watched"), peer.Port("eth0"))
	until(t, w, func(is []watch.Interface) bool { return find(is, "watched") != nil })
}

func TestNowIsWhatNetSees(t *testing.T) {
	is, err := watch.Now()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(is, func(i watch.Interface) bool { return i.Index > 0 && i.Name != "" }) {
		t.Errorf("no interface in %+v", is)
	}
}
