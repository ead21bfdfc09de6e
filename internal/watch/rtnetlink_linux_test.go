package watch_test

import (
	"testing"

	"example.com/dgram/internal/netlab"
	"example.com/dgram/internal/watch"
)

func TestNotificationsShowInterfacesComeAndGo(t *testing.T) {
	seesInterfacesComeAndGo(t, watch.Notified)
}

func TestNotificationsGoOnAfterAContextHasEnded(t *testing.T) {
	goesOnAfterAContextHasEnded(t, watch.Notified)
}

// The watcher belongs to the namespace in which it was made, whatever thread
// waits.
func TestTheWatcherStaysWhereItWasMade(t *testing.T) {
	lab := netlab.New(t)
	a, b := lab.Host("a"), lab.Host("b")
	w := netlab.On(a, watch.Notified)
	defer w.Close()
	lab.Link(a.Port("far"), b.Port("eth0"))
	until(t, w, func(is []watch.Interface) bool { return find(is, "far") != nil })
}

// An interface that becomes the port of a bridge, and stops being one, was
// never deleted.
func TestLeavingABridgeIsNoDeletion(t *testing.T) {
	lab := netlab.New(t)
	a, b := lab.Host("a"), lab.Host("b")
	lab.Link(a.Port("port"), b.Port("eth0"))
	lab.Must(a.AddBridge("bridge"), a.Attach("port", "bridge"))
	w := netlab.On(a, watch.Notified)
	defer w.Close()
	lab.Must(a.Detach("port"), a.Down("port"))
	deleted := until(t, w, func(is []watch.Interface) bool { return !find(is, "port").Up })
	if len(deleted) > 0 {
		t.Errorf("deleted are %v", deleted)
	}
}
