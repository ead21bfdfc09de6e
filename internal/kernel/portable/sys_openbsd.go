package portable

// The constants of OpenBSD.
const (
	alwaysV6Only = true
	receivedTOS  = -1
)

func reusePort(uintptr) error { return unsupported("balancing SO_REUSEPORT") }

func dontFragment4(uintptr) error { return unsupported("don't fragment") }
func receiveTOS4(uintptr) error   { return unsupported("TOS") }
