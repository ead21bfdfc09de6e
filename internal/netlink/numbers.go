package netlink

// The numbers of the kernel's headers that the codec needs. Package unix has them
// on Linux alone.

// linux/netlink.h.
const (
	flagRequest  = 0x1   // NLM_F_REQUEST
	flagCapped   = 0x100 // NLM_F_CAPPED
	flagACKTLVs  = 0x200 // NLM_F_ACK_TLVS
	typeError    = 2     // NLMSG_ERROR
	typeDone     = 3     // NLMSG_DONE
	errorMessage = 1     // NLMSGERR_ATTR_MSG
)

// linux/if_link.h and linux/if_bridge.h.
const (
	linkAddress    = 1  // IFLA_ADDRESS
	linkName       = 3  // IFLA_IFNAME
	linkQdisc      = 6  // IFLA_QDISC
	linkOperState  = 16 // IFLA_OPERSTATE
	linkInfo       = 18 // IFLA_LINKINFO
	infoPortKind   = 4  // IFLA_INFO_SLAVE_KIND
	infoPortData   = 5  // IFLA_INFO_SLAVE_DATA
	bridgePort     = 1  // IFLA_BRPORT_STATE
	portForwarding = 3  // BR_STATE_FORWARDING
)

// linux/if_addr.h and linux/rtnetlink.h.
const (
	addressIP    = 1 // IFA_ADDRESS
	addressFlags = 8 // IFA_FLAGS
	routeTo      = 1 // RTA_DST
	routeOut     = 4 // RTA_OIF
)
