package portable

// The constants of NetBSD.
const (
	alwaysV6Only = false
	receivedTOS  = -1
)

func reusePort(uintptr) error { return unsupported("balancing SO_REUSEPORT") }

func dontFragment4(uintptr) error { return unsupported("don't fragment") }
func receiveTOS4(uintptr) error   { return unsupported("TOS") }
