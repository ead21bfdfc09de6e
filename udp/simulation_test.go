package udp_test

import (
	"bufio"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"

	"example.com/dgram/internal/kernel"
)

var (
	seeds    = flag.Int("seeds", 300, "how many `seeds` TestSimulation tries")
	oneSeed  = flag.Uint64("seed", 0, "the one `seed` that TestSimulation tries, if not 0")
	seedFile = "testdata/simulation/seeds"
)

// A simulated kernel delivers, fails and stalls at random, consumers are slow,
// stop and vanish, contexts end, sockets close: and whatever happens, every
// datagram is delivered once, in order, or counted once; every send is
// accepted or told why not.
//
//	go test ./udp -run Simulation -seeds 20000
//	go test ./udp -run Simulation -seed 4711 -v
func TestSimulation(t *testing.T) {
	if *oneSeed != 0 {
		simulate(t, *oneSeed)
		return
	}
	for _, seed := range oldSeeds(t) {
		simulate(t, seed)
	}
	for seed := uint64(1); seed <= uint64(*seeds) && !t.Failed(); seed++ {
		simulate(t, seed)
	}
}

// simulate lives through the world of a seed, on one, two or eight processors:
// with one a reader holds nothing back.
func simulate(t *testing.T, seed uint64) {
	t.Helper()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS([]int{1, 2, 8}[seed%3]))
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, seed)
		defer func() {
			if !t.Failed() {
				return
			}
			t.Logf("seed %d; add it to %s when it is understood", seed, seedFile)
			if testing.Verbose() {
				fmt.Println(strings.Join(w.log, "\n"))
			}
		}()
		w.settle()
		for range w.r.IntN(60) {
			w.step()
			w.settle()
			w.check()
			w.release()
			if w.over() || t.Failed() {
				break
			}
		}
		if w.r.IntN(2) == 0 && !t.Failed() {
			w.note("heal")
			w.heal()
		}
		w.close()
		w.bury()
	})
}

// oldSeeds are those that have failed before.
func oldSeeds(t *testing.T) (old []uint64) {
	f, err := os.Open(seedFile)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		word, _, _ := strings.Cut(lines.Text(), " ")
		if word == "" || word == "#" {
			continue
		}
		seed, err := strconv.ParseUint(word, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		old = append(old, seed)
	}
	return old
}

func refusal(to netip.AddrPort, errno syscall.Errno) kernel.Refusal {
	return kernel.Refusal{To: to, Errno: errno}
}
