package netlab

import (
	"fmt"

	"example.com/dgram/internal/netlink"
	"golang.org/x/sys/unix"
)

// Numbers of linux/pkt_sched.h that package unix lacks.
const (
	tcaTBFParms  = 1 // TCA_TBF_PARMS
	tcaTBFBurst  = 6 // TCA_TBF_BURST
	ethernet     = 1 // TC_LINKLAYER_ETHERNET
	root         = 0xffffffff
	throttleRoot = 1 << 16 // handle 1:
)

// A queueing is struct tcmsg.
type queueing struct {
	Family  uint8
	_       [3]uint8
	Index   int32
	Handle  uint32
	Parent  uint32
	Details uint32
}

// A rate is struct tc_ratespec.
type rate struct {
	CellLog   uint8
	Linklayer uint8
	Overhead  uint16
	CellAlign int16
	MPU       uint16
	Rate      uint32
}

// A bucket is struct tc_tbf_qopt.
type bucket struct {
	Rate, Peak         rate
	Limit, Buffer, MTU uint32
}

// Throttle limits what an interface sends. It sends at most bytesPerSecond on
// average and burst bytes at once, the Ethernet headers included; a packet
// larger than burst is never sent. The rest waits in a queue of the given number
// of bytes, charged to the send buffers of the sockets, and what does not fit is
// dropped.
//
// A queue larger than a send buffer makes sends block, a smaller one makes them
// fail with ENOBUFS, if the socket asked for IP_RECVERR, or vanish.
func (h *Host) Throttle(name string, bytesPerSecond, burst, queue int) error {
	what := fmt.Sprintf("throttle to %d bytes/s", bytesPerSecond)
	return h.change(what, name, func(link netlink.LinkHeader) *netlink.Request {
		r := netlink.NewRequest(unix.RTM_NEWQDISC, unix.NLM_F_CREATE|unix.NLM_F_REPLACE,
			queueing{Index: link.Index, Handle: throttleRoot, Parent: root})
		r.String(unix.TCA_KIND, "tbf")
		r.Nest(unix.TCA_OPTIONS, func() {
			r.Nest(tcaTBFParms, func() {
				r.Fixed(bucket{
					Rate:  rate{Linklayer: ethernet, Rate: uint32(bytesPerSecond)},
					Limit: uint32(queue),
				})
			})
			r.Uint32(tcaTBFBurst, uint32(burst))
		})
		return r
	})
}

// Unthrottle ends [Host.Throttle]. Packets that were waiting are dropped.
func (h *Host) Unthrottle(name string) error {
	return h.change("unthrottle", name, func(link netlink.LinkHeader) *netlink.Request {
		return netlink.NewRequest(unix.RTM_DELQDISC, 0,
			queueing{Index: link.Index, Handle: throttleRoot, Parent: root})
	})
}
