//go:build linux

package linux_test

import (
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// calls are system calls that this package makes.
var calls = map[string]uint32{
	"recvmmsg": unix.SYS_RECVMMSG, "recvmsg": unix.SYS_RECVMSG, "recvfrom": unix.SYS_RECVFROM,
	"sendmmsg": unix.SYS_SENDMMSG, "sendmsg": unix.SYS_SENDMSG, "sendto": unix.SYS_SENDTO,
	"setsockopt": unix.SYS_SETSOCKOPT, "getsockopt": unix.SYS_GETSOCKOPT,
	"socket": unix.SYS_SOCKET, "bind": unix.SYS_BIND, "connect": unix.SYS_CONNECT,
	"getsockname": unix.SYS_GETSOCKNAME, "getpeername": unix.SYS_GETPEERNAME,
	"ioctl": unix.SYS_IOCTL, "fcntl": unix.SYS_FCNTL, "epoll_ctl": unix.SYS_EPOLL_CTL, "epoll_create1": unix.SYS_EPOLL_CREATE1, "ppoll": unix.SYS_PPOLL,
}

// options are socket options that this package sets or reads.
var options = map[string][2]uint32{
	"SO_REUSEADDR": {unix.SOL_SOCKET, unix.SO_REUSEADDR}, "SO_REUSEPORT": {unix.SOL_SOCKET, unix.SO_REUSEPORT},
	"SO_BROADCAST": {unix.SOL_SOCKET, unix.SO_BROADCAST}, "SO_TIMESTAMPNS": {unix.SOL_SOCKET, unix.SO_TIMESTAMPNS},
	"SO_MEMINFO": {unix.SOL_SOCKET, unix.SO_MEMINFO}, "SO_RXQ_OVFL": {unix.SOL_SOCKET, unix.SO_RXQ_OVFL},
	"SO_RCVBUF": {unix.SOL_SOCKET, unix.SO_RCVBUF}, "SO_SNDBUF": {unix.SOL_SOCKET, unix.SO_SNDBUF},
	"SO_BINDTODEVICE":  {unix.SOL_SOCKET, unix.SO_BINDTODEVICE},
	"SO_ATTACH_FILTER": {unix.SOL_SOCKET, unix.SO_ATTACH_FILTER}, "SO_ERROR": {unix.SOL_SOCKET, unix.SO_ERROR},
	"UDP_GRO": {unix.SOL_UDP, unix.UDP_GRO}, "UDP_SEGMENT": {unix.SOL_UDP, unix.UDP_SEGMENT},
	"IP_PKTINFO": {unix.SOL_IP, unix.IP_PKTINFO}, "IPV6_RECVPKTINFO": {unix.SOL_IPV6, unix.IPV6_RECVPKTINFO},
	"IP_RECVTOS": {unix.SOL_IP, unix.IP_RECVTOS}, "IPV6_RECVTCLASS": {unix.SOL_IPV6, unix.IPV6_RECVTCLASS},
	"IP_RECVTTL": {unix.SOL_IP, unix.IP_RECVTTL}, "IPV6_RECVHOPLIMIT": {unix.SOL_IPV6, unix.IPV6_RECVHOPLIMIT},
	"IP_TOS": {unix.SOL_IP, unix.IP_TOS}, "IPV6_TCLASS": {unix.SOL_IPV6, unix.IPV6_TCLASS},
	"IP_TTL": {unix.SOL_IP, unix.IP_TTL}, "IPV6_UNICAST_HOPS": {unix.SOL_IPV6, unix.IPV6_UNICAST_HOPS},
	"IP_RECVERR": {unix.SOL_IP, unix.IP_RECVERR}, "IPV6_RECVERR": {unix.SOL_IPV6, unix.IPV6_RECVERR},
	"IP_MTU_DISCOVER": {unix.SOL_IP, unix.IP_MTU_DISCOVER}, "IPV6_MTU_DISCOVER": {unix.SOL_IPV6, unix.IPV6_MTU_DISCOVER},
	"IP_MULTICAST_ALL": {unix.SOL_IP, unix.IP_MULTICAST_ALL}, "IPV6_MULTICAST_ALL": {unix.SOL_IPV6, unix.IPV6_MULTICAST_ALL},
	"IPV6_V6ONLY": {unix.SOL_IPV6, unix.IPV6_V6ONLY},
}

var errnos = map[string]syscall.Errno{"ENOSYS": unix.ENOSYS, "EPERM": unix.EPERM, "EINVAL": unix.EINVAL, "ENOPROTOOPT": unix.ENOPROTOOPT, "yes": 0}

// sandbox makes the kernel refuse the named calls and options, on every thread.
func sandbox(t *testing.T, names []string, errno syscall.Errno) {
	t.Helper()
	const nr, arg1, arg2 = 0, 16 + 8, 16 + 16 // of struct seccomp_data
	load := func(at uint32) unix.SockFilter {
		if at > nr && bigEndian() {
			at += 4 // the low half
		}
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: at}
	}
	unless := func(k uint32, skip uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: k, Jf: skip}
	}
	no := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(errno)}
	var program []unix.SockFilter
	for _, name := range names {
		if trap, ok := calls[name]; ok {
			program = append(program, load(nr), unless(trap, 1), no)
			continue
		}
		o, ok := options[name]
		if !ok {
			t.Fatalf("%q is neither a call nor an option", name)
		}
		for _, trap := range []uint32{unix.SYS_SETSOCKOPT, unix.SYS_GETSOCKOPT} {
			if errno == 0 && trap == unix.SYS_GETSOCKOPT {
				continue // getsockopt reports the true value
			}
			program = append(program, load(nr), unless(trap, 5), load(arg1), unless(o[0], 3), load(arg2), unless(o[1], 1), no)
		}
	}
	program = append(program, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW})
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		t.Skip("seccomp: ", err)
	}
	p := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	if _, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&p))); errno != 0 {
		t.Skip("seccomp: ", errno)
	}
}

func bigEndian() bool {
	one := uint16(1)
	return *(*byte)(unsafe.Pointer(&one)) == 0
}
