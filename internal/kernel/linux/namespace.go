//go:build linux

package linux

import (
	"bytes"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// socketBeside makes a UDP socket in the network namespace of another, which may
// not be the caller's.
func socketBeside(other int, family int) (fd int, err error) {
	fd, err = udpSocket(family)
	if err != nil || sameNamespace(fd, other) {
		return fd, err
	}
	unix.Close(fd)
	ns, err := unix.IoctlRetInt(other, unix.SIOCGSKNS)
	if err != nil {
		return -1, os.NewSyscallError("ioctl", err)
	}
	defer unix.Close(ns)
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and the thread ends with the goroutine, unless it is back where it was
		home, failed := os.Open("/proc/thread-self/ns/net")
		if failed != nil {
			fd, err = -1, failed
			runtime.UnlockOSThread()
			return
		}
		defer home.Close()
		if err = os.NewSyscallError("setns", unix.Setns(ns, unix.CLONE_NEWNET)); err != nil {
			fd = -1
			runtime.UnlockOSThread()
			return
		}
		fd, err = udpSocket(family)
		if unix.Setns(int(home.Fd()), unix.CLONE_NEWNET) == nil {
			runtime.UnlockOSThread()
		}
	}()
	<-done
	return fd, err
}

func udpSocket(family int) (int, error) {
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	return fd, os.NewSyscallError("socket", err)
}

// sameNamespace reports whether two sockets are in one network namespace, or the
// kernel does not say.
func sameNamespace(a, b int) bool {
	var buffers [2][16]byte
	cookieA, errnoA := rawOption(a, unix.SOL_SOCKET, unix.SO_NETNS_COOKIE, buffers[0][:])
	cookieB, errnoB := rawOption(b, unix.SOL_SOCKET, unix.SO_NETNS_COOKIE, buffers[1][:])
	if errnoA == 0 && errnoB == 0 {
		return bytes.Equal(cookieA, cookieB)
	}
	inodeA, inodeB := namespaceOf(a), namespaceOf(b)
	return inodeA == 0 || inodeB == 0 || inodeA == inodeB
}

// namespaceOf is the inode of a socket's network namespace (Linux before 5.14).
func namespaceOf(fd int) uint64 {
	ns, err := unix.IoctlRetInt(fd, unix.SIOCGSKNS)
	if err != nil {
		return 0
	}
	defer unix.Close(ns)
	var st unix.Stat_t
	if unix.Fstat(ns, &st) != nil {
		return 0
	}
	return st.Ino
}
