package multicast_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/dgram/internal/watch"
	"example.com/dgram/multicast"
)

// watchers counts the goroutines that watch.
func watchers() int {
	b := make([]byte, 1<<20)
	return strings.Count(string(b[:runtime.Stack(b, true)]), "(*memberships).watch(")
}

func TestOnlyWhatIsHeldIsWatched(t *testing.T) {
	lo := loopback(t)
	s := here(t, "udp4", ":0")
	i, err := net.InterfaceByName(lo)
	must(t, err)
	join(t, s, group, multicast.On(fmt.Sprint(i.Index)))
	if n := watchers(); n != 0 {
		t.Errorf("%d watch an index", n)
	}
	named := join(t, s, other, multicast.On(lo))
	all := join(t, s, ssm, multicast.OnAll())
	eventually(t, "one watches", func() bool { return watchers() == 1 })
	must(t, named.Leave())
	if n := watchers(); n != 1 {
		t.Errorf("%d watch for what is left", n)
	}
	must(t, all.Leave())
	eventually(t, "nobody watches", func() bool { return watchers() == 0 })
	join(t, s, other, multicast.On(lo))
	eventually(t, "somebody watches again", func() bool { return watchers() == 1 })
	s.Close()
	if n := watchers(); n != 0 {
		t.Errorf("%d watch for a closed socket", n)
	}
}

// broken is a Watcher of no use.
type broken struct{ closed chan<- struct{} }

var errBroken = errors.New("broken")

func (b broken) Wait(context.Context) (watch.Change, error) { return watch.Change{}, errBroken }
func (b broken) Close()                                     { close(b.closed) }

func TestAWatcherThatBreaksIsReportedAndReplaced(t *testing.T) {
	lab, peer, home := world(t, "cable0")
	s, sender := open(t, home, "udp4", ":0"), open(t, peer, "udp4", ":0")
	closed := make(chan struct{})
	multicast.WatchWith(s.Socket, func() watch.Watcher { return broken{closed} })
	join(t, s, group, multicast.On("cable0"))
	<-closed
	fails(t, <-s.Errors(), errBroken)
	lab.Must(home.Delete("cable0"))
	cable(lab, peer, home, "cable0")
	until(t, sender, "cable0", to(t, group, s), s, "again")
}

// scripted is a Watcher that says what the test tells it.
type scripted struct{ changes <-chan watch.Change }

func (s scripted) Wait(ctx context.Context) (watch.Change, error) {
	select {
	case c := <-s.changes:
		return c, nil
	case <-ctx.Done():
		return watch.Change{}, ctx.Err()
	}
}

func (scripted) Close() {}

// An interface that leaves the network namespace and returns has its index, and
// nothing that was joined on it.
func TestAnInterfaceThatReturnsWithItsIndexIsJoinedAgain(t *testing.T) {
	_, peer, home := world(t, "cable0")
	s, sender := open(t, home, "udp4", ":0"), open(t, peer, "udp4", ":0")
	changes := make(chan watch.Change)
	multicast.WatchWith(s.Socket, func() watch.Watcher { return scripted{changes} })
	m := join(t, s, group, multicast.OnAll())
	now, err := watch.Now()
	must(t, err)
	n, err := home.Index("cable0")
	must(t, err)
	for range 3 {
		changes <- watch.Change{Interfaces: now, Deleted: []int{n}} // left, and joined again
		until(t, sender, "cable0", to(t, group, s), s, "again")
	}
	gone := slices.DeleteFunc(slices.Clone(now), func(i watch.Interface) bool { return i.Index == n })
	changes <- watch.Change{Interfaces: gone, Deleted: []int{n}}
	eventually(t, "it is left", func() bool { return len(m.Interfaces()) == 0 && !member(t, home, "cable0", group) })
	changes <- watch.Change{Interfaces: now}
	eventually(t, "it is joined", func() bool { return len(m.Interfaces()) == 1 && member(t, home, "cable0", group) })
}

// What cannot be joined right away may be a moment later: then there is nothing
// to report.
func TestAnInterfaceThatIsReadyLaterIsNotReported(t *testing.T) {
	lab, peer, home := world(t, "cable0")
	limit, err := home.Sysctl("net.ipv4.igmp_max_memberships")
	lab.Must(err, home.SetSysctl("net.ipv4.igmp_max_memberships", "1"))
	defer func() { must(t, home.SetSysctl("net.ipv4.igmp_max_memberships", limit)) }()
	s := open(t, home, "udp4", ":0")
	changes := make(chan watch.Change)
	multicast.WatchWith(s.Socket, func() watch.Watcher { return scripted{changes} })
	m := join(t, s, group, multicast.OnAll())
	now, err := watch.Now()
	must(t, err)
	cable(lab, peer, home, "cable1")
	more, err := watch.Now()
	must(t, err)
	changes <- watch.Change{Interfaces: more}
	changes <- watch.Change{Interfaces: now}
	changes <- watch.Change{Interfaces: more}
	select {
	case err := <-s.Errors():
		if !strings.Contains(err.Error(), "cable1") {
			t.Errorf("reported %v", err)
		}
	case <-time.After(patience):
		t.Error("what stays so is not reported")
	}
	changes <- watch.Change{Interfaces: now}
	if err := m.Leave(); err != nil || len(s.Errors()) > 0 {
		t.Errorf("%v, and %d more reports", err, len(s.Errors()))
	}
}

func TestMembershipsSurviveChurn(t *testing.T) {
	lab, peer, home := world(t, "cable0", "cable1")
	s, sender := open(t, home, "udp4", ":0"), open(t, peer, "udp4", ":0")
	m := join(t, s, group, multicast.OnAll())
	held := join(t, s, other, multicast.On("cable1"))
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			extra, err := multicast.Join(s.Socket, ssm, multicast.OnAll(), multicast.From(addr("10.7.0.1")))
			if err == nil {
				err = extra.Leave()
			}
			if err != nil {
				t.Error(err)
				return
			}
		}
	})
	for range 10 {
		lab.Must(home.Down("cable0"), home.Delete("cable1"), home.Up("cable0"))
		cable(lab, peer, home, "cable1")
	}
	close(stop)
	wg.Wait()
	lab.Must(home.Settle("cable0"), peer.Settle("cable0"))
	until(t, sender, "cable0", to(t, group, s), s, "first")
	until(t, sender, "cable1", to(t, group, s), s, "second")
	until(t, sender, "cable1", to(t, other, s), s, "third")
	if names := m.Interfaces(); !slices.Equal(names, []string{"cable0", "cable1"}) {
		t.Errorf("joined on %v", names)
	}
	if names := held.Interfaces(); !slices.Equal(names, []string{"cable1"}) {
		t.Errorf("held on %v", names)
	}
}
