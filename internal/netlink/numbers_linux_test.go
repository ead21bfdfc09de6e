package netlink_test

import (
	"encoding/binary"
	"maps"
	"testing"

	"example.com/dgram/internal/netlink"
	"golang.org/x/sys/unix"
)

func TestNumbersAreThoseOfTheKernel(t *testing.T) {
	kernel := map[string]int{
		"NLM_F_REQUEST":        unix.NLM_F_REQUEST,
		"NLM_F_CAPPED":         unix.NLM_F_CAPPED,
		"NLM_F_ACK_TLVS":       unix.NLM_F_ACK_TLVS,
		"NLMSG_ERROR":          unix.NLMSG_ERROR,
		"NLMSG_DONE":           unix.NLMSG_DONE,
		"NLMSGERR_ATTR_MSG":    unix.NLMSGERR_ATTR_MSG,
		"IFLA_ADDRESS":         unix.IFLA_ADDRESS,
		"IFLA_IFNAME":          unix.IFLA_IFNAME,
		"IFLA_QDISC":           unix.IFLA_QDISC,
		"IFLA_OPERSTATE":       unix.IFLA_OPERSTATE,
		"IFLA_LINKINFO":        unix.IFLA_LINKINFO,
		"IFLA_INFO_SLAVE_KIND": unix.IFLA_INFO_SLAVE_KIND,
		"IFLA_INFO_SLAVE_DATA": unix.IFLA_INFO_SLAVE_DATA,
		"IFLA_BRPORT_STATE":    unix.IFLA_BRPORT_STATE,
		"IFA_ADDRESS":          unix.IFA_ADDRESS,
		"IFA_FLAGS":            unix.IFA_FLAGS,
		"RTA_DST":              unix.RTA_DST,
		"RTA_OIF":              unix.RTA_OIF,
		"sizeof nlmsghdr":      unix.SizeofNlMsghdr,
		"sizeof nlattr":        unix.SizeofNlAttr,
		"sizeof ifinfomsg":     unix.SizeofIfInfomsg,
		"sizeof ifaddrmsg":     unix.SizeofIfAddrmsg,
		"sizeof rtmsg":         unix.SizeofRtMsg,
	}
	if !maps.Equal(netlink.Numbers, kernel) {
		t.Errorf("%v, the kernel has %v", netlink.Numbers, kernel)
	}
}

func TestHeadersHaveTheirSizes(t *testing.T) {
	for _, c := range []struct {
		header any
		size   int
	}{
		{netlink.LinkHeader{}, unix.SizeofIfInfomsg},
		{netlink.AddressHeader{}, unix.SizeofIfAddrmsg},
		{netlink.RouteHeader{}, unix.SizeofRtMsg},
		{netlink.NeighborHeader{}, unix.SizeofNdMsg},
	} {
		if size := binary.Size(c.header); size != c.size {
			t.Errorf("%T has %d bytes, want %d", c.header, size, c.size)
		}
	}
}
