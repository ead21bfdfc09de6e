package netlink

// Numbers are the codec's own numbers by their names in the kernel's headers.
var Numbers = map[string]int{
	"NLM_F_REQUEST":        flagRequest,
	"NLM_F_CAPPED":         flagCapped,
	"NLM_F_ACK_TLVS":       flagACKTLVs,
	"NLMSG_ERROR":          typeError,
	"NLMSG_DONE":           typeDone,
	"NLMSGERR_ATTR_MSG":    errorMessage,
	"IFLA_ADDRESS":         linkAddress,
	"IFLA_IFNAME":          linkName,
	"IFLA_QDISC":           linkQdisc,
	"IFLA_OPERSTATE":       linkOperState,
	"IFLA_LINKINFO":        linkInfo,
	"IFLA_INFO_SLAVE_KIND": infoPortKind,
	"IFLA_INFO_SLAVE_DATA": infoPortData,
	"IFLA_BRPORT_STATE":    bridgePort,
	"IFA_ADDRESS":          addressIP,
	"IFA_FLAGS":            addressFlags,
	"RTA_DST":              routeTo,
	"RTA_OIF":              routeOut,
	"sizeof nlmsghdr":      headerSize,
	"sizeof nlattr":        attributeHeader,
	"sizeof ifinfomsg":     linkHeaderSize,
	"sizeof ifaddrmsg":     addressHeaderSize,
	"sizeof rtmsg":         routeHeaderSize,
}
