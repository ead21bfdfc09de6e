package watch

import (
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// In runs f in the network namespace of a socket, where Now and Notified see the
// interfaces that the socket can use. The kernel names a socket's namespace only to
// programs with CAP_NET_ADMIN; for others In runs f in the caller's namespace. Entering
// another namespace needs CAP_SYS_ADMIN.
func In(socket syscall.RawConn, f func() error) error {
	ns := -1
	err := socket.Control(func(fd uintptr) {
		if got, _, errno := unix.Syscall(unix.SYS_IOCTL, fd, unix.SIOCGSKNS, 0); errno == 0 {
			ns = int(got)
		}
	})
	if err != nil {
		return err
	}
	if ns < 0 {
		return f()
	}
	defer unix.Close(ns)
	if isOwn(ns) {
		return f()
	}
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // without unlocking: the thread ends with the goroutine
		if err := unix.Setns(ns, unix.CLONE_NEWNET); err != nil {
			done <- os.NewSyscallError("setns", err)
			return
		}
		done <- f()
	}()
	return <-done
}

// isOwn reports whether a namespace is that of the calling thread.
func isOwn(ns int) bool {
	var a, b unix.Stat_t
	if unix.Fstat(ns, &a) != nil || unix.Stat("/proc/thread-self/ns/net", &b) != nil {
		return true
	}
	return a.Dev == b.Dev && a.Ino == b.Ino
}
