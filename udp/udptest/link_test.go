package udptest_test

import (
	"bytes"
	"fmt"
	"math/bits"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"example.com/dgram/udp"
	"example.com/dgram/udp/udptest"
)

// pass sends count datagrams, one in each pause, and returns what arrived and
// how long each took.
func pass(t testing.TB, count int, pause time.Duration, link ...udptest.LinkOption) (n *udptest.Network, got []string, took []time.Duration) {
	t.Helper()
	n, a, b := two(t, link, udp.WithTimestamps(), udp.WithMessageBuffer(4*count))
	to := at(t, b)
	sent := map[string]time.Time{}
	messages := b.Messages()
	for i := range count {
		payload := fmt.Sprintf("%07d", i)
		sent[payload] = time.Now()
		send(t, a, to, payload)
		time.Sleep(pause)
	}
	time.Sleep(time.Hour)
	synctest.Wait()
	for len(messages) > 0 {
		m := <-messages
		got = append(got, string(m.Data))
		took = append(took, m.Time.Sub(sent[string(m.Data)]))
	}
	return n, got, took
}

func TestLatencyIsExact(t *testing.T) {
	bubble(t, func(t *testing.T) {
		_, got, took := pass(t, 100, time.Millisecond, udptest.Latency(70*time.Millisecond))
		same(t, "arrived", len(got), 100)
		for _, d := range took {
			same(t, "latency", d, 70*time.Millisecond)
		}
		if !slices.IsSorted(got) {
			t.Error("not in order")
		}
	})
}

func TestJitterKeepsTheOrder(t *testing.T) {
	bubble(t, func(t *testing.T) {
		_, got, took := pass(t, 1000, time.Millisecond, udptest.Latency(10*time.Millisecond), udptest.Jitter(20*time.Millisecond))
		same(t, "arrived", len(got), 1000)
		least, most := slices.Min(took), slices.Max(took)
		if least < 10*time.Millisecond || most > 30*time.Millisecond || most-least < 10*time.Millisecond {
			t.Errorf("latency from %v to %v", least, most)
		}
		if !slices.IsSorted(got) {
			t.Error("not in order")
		}
	})
}

func TestLossIsAsOftenAsItSays(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n, got, _ := pass(t, 10000, time.Microsecond, udptest.Loss(0.3))
		if len(got) < 6800 || len(got) > 7200 {
			t.Errorf("%d of 10000 arrived", len(got))
		}
		all := conserved(t, n)
		same(t, "lost", all.Lost[udptest.Lost], uint64(10000-len(got)))
	})
}

func TestBurstsLoseRuns(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n, got, _ := pass(t, 10000, time.Microsecond, udptest.Burst(0.01, 5))
		lost := map[int]int{} // runs by length
		next := 0
		for _, s := range got {
			var i int
			fmt.Sscanf(s, "%d", &i)
			if i > next {
				lost[i-next]++
			}
			next = i + 1
		}
		for length := range lost {
			if length%5 != 0 {
				t.Errorf("runs of %v", lost)
				break
			}
		}
		if lost[5] < 50 {
			t.Errorf("runs of %v", lost)
		}
		conserved(t, n)
	})
}

func TestDuplicatesAreCountedAsCopies(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n, got, _ := pass(t, 1000, time.Microsecond, udptest.Duplicate(0.5), udptest.Latency(time.Millisecond))
		all := conserved(t, n)
		same(t, "copied", all.Copied, uint64(len(got)-1000))
		if all.Copied < 400 || all.Copied > 600 {
			t.Errorf("%d duplicates of 1000", all.Copied)
		}
		copies := 0
		for f := range n.Fates() {
			if f.Duplicate {
				copies++
			}
		}
		same(t, "fates of duplicates", copies, int(all.Copied))
	})
}

func TestReorderedDatagramsAreOvertaken(t *testing.T) {
	bubble(t, func(t *testing.T) {
		_, got, took := pass(t, 1000, time.Millisecond, udptest.Reorder(0.1, 5500*time.Microsecond))
		same(t, "arrived", len(got), 1000)
		late := 0
		for _, d := range took {
			if d != 0 {
				same(t, "delay", d, 5500*time.Microsecond)
				late++
			}
		}
		if late < 60 || late > 140 || slices.IsSorted(got) {
			t.Errorf("%d of 1000 late, in order: %v", late, slices.IsSorted(got))
		}
	})
}

func TestCorruptChangesOneBit(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n, a, b := two(t, []udptest.LinkOption{udptest.Corrupt(1), udptest.Duplicate(1)})
		want := bytes.Repeat([]byte("abc"), 100)
		ok(t, a.SendTo(t.Context(), at(t, b), want))
		got := <-b.Messages()
		changed := 0
		for i := range want {
			changed += bits.OnesCount8(want[i] ^ got.Data[i])
		}
		same(t, "changed bits", changed, 1)
		for f := range n.Fates() {
			same(t, "corrupt", f.Corrupt, !f.Duplicate)
		}
	})
}

func TestOutagesFollowTheirSchedule(t *testing.T) {
	bubble(t, func(t *testing.T) {
		_, got, _ := pass(t, 100, time.Second, udptest.Outage(10*time.Second, 5*time.Second, 30*time.Second))
		var want []string
		for i := range 100 {
			if i < 10 || (i-10)%30 >= 5 {
				want = append(want, fmt.Sprintf("%07d", i))
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q arrived", got)
		}
	})
}

func TestLifetimeEndsWhatWaitsTooLong(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n, a, b := two(t, []udptest.LinkOption{udptest.Rate(1000, 1000), udptest.Lifetime(450 * time.Millisecond)})
		for range 10 {
			send(t, a, at(t, b), string(make([]byte, 100)))
		}
		time.Sleep(time.Hour)
		same(t, "expired", conserved(t, n).Lost[udptest.Expired], 6)
	})
}

func TestLinkOneWayLeavesTheOtherPerfect(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := udptest.NewNetwork(t)
		ha, hb := n.Host(), n.Host()
		n.LinkOneWay(ha, hb, udptest.Latency(time.Second))
		a, b := listen(t, ha), listen(t, hb)
		start := time.Now()
		send(t, a, at(t, b), "there")
		hear(t, b, "there")
		same(t, "way there", time.Since(start), time.Second)
		send(t, b, at(t, a), "back")
		hear(t, a, "back")
		same(t, "both ways", time.Since(start), time.Second)
		n.Link(ha, hb) // perfect again
		send(t, a, at(t, b), "again")
		hear(t, b, "again")
		same(t, "at once", time.Since(start), time.Second)
	})
}

func TestAPartitionLosesWhatIsInFlight(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := udptest.NewNetwork(t)
		ha, hb := n.Host(), n.Host()
		n.Link(ha, hb, udptest.Latency(time.Second))
		a, b := listen(t, ha), listen(t, hb)
		send(t, a, at(t, b), "in flight")
		n.Partition(ha, hb)
		send(t, a, at(t, b), "cut off")
		send(t, b, at(t, a), "cut off")
		silence(t, b, time.Minute)
		n.Heal(hb, ha)
		send(t, a, at(t, b), "healed")
		hear(t, b, "healed")
		same(t, "lost", conserved(t, n).Lost[udptest.Partitioned], 3)
	})
}
