//go:build linux && !dgram_portable

package udp_test

// portable tells whether the kernel is reached by way of package net.
const portable = false
