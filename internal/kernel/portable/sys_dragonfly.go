package portable

import "golang.org/x/sys/unix"

// The constants of DragonFly.
const (
	alwaysV6Only = true
	receivedTOS  = -1
)

func reusePort(fd uintptr) error { return setInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1) }

func dontFragment4(uintptr) error { return unsupported("don't fragment") }
func receiveTOS4(uintptr) error   { return unsupported("TOS") }
