//go:build unix

package interop

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/net/ipv4"
)

// BenchmarkView compares the view with a *net.UDPConn, by turns: the CPU time
// that a datagram costs which is sent, and one that is read.
func BenchmarkView(b *testing.B) {
	type conn interface {
		net.PacketConn
		ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error)
		WriteMsgUDP(b, oob []byte, to *net.UDPAddr) (int, int, error)
	}
	type batchConn interface {
		ReadBatch(ms []ipv4.Message, flags int) (int, error)
	}
	const round = 128 // datagrams: they fit into the receive buffer
	buf := make([]byte, 2048)
	ms := batch(8, make([]byte, 64))
	for _, bench := range []struct {
		name string
		read bool
		do   func(c conn) (n int, err error)
	}{
		{"WriteTo", false, nil},
		{"ReadFrom", true, func(c conn) (int, error) { _, _, err := c.ReadFrom(buf); return 1, err }},
		{"ReadFromUDPAddrPort", true, func(c conn) (int, error) { _, _, err := c.ReadFromUDPAddrPort(buf); return 1, err }},
		{"ReadBatch", true, func(c conn) (int, error) {
			if r, ok := c.(batchConn); ok {
				return r.ReadBatch(ms, 0)
			}
			return ipv4.NewPacketConn(c).ReadBatch(ms, 0)
		}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			sides := []side{theirs, ours}
			var cpu [2]time.Duration
			var conns [2]conn
			for i, s := range sides {
				conns[i] = s.listen(b, "udp4", "127.0.0.1:0").(conn)
			}
			b.ReportAllocs()
			for turn := range b.N {
				for i := range sides {
					i = (i + turn) % len(sides)
					c, data, to := conns[i], buf[:100], conns[i].LocalAddr()
					before := cpuTime(b)
					for range round {
						if _, err := c.WriteTo(data, to); err != nil {
							b.Fatal(err)
						}
					}
					if bench.read {
						before = cpuTime(b)
					} else {
						cpu[i] += cpuTime(b) - before
					}
					for n := 0; n < round; {
						do := bench.do
						if do == nil {
							do = func(c conn) (int, error) { _, _, err := c.ReadFromUDPAddrPort(buf); return 1, err }
						}
						got, err := do(c)
						if err != nil {
							b.Fatal(err)
						}
						n += got
					}
					if bench.read {
						cpu[i] += cpuTime(b) - before
					}
				}
			}
			for i, s := range sides {
				b.ReportMetric(float64(cpu[i].Nanoseconds())/float64(b.N)/round, s.name+"-cpu-ns")
			}
			b.ReportMetric(cpu[1].Seconds()/cpu[0].Seconds(), "dgram/net-cpu")
			b.ReportMetric(0, "ns/op")
		})
	}
}
