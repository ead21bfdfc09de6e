package udp_test

import "example.com/dgram/internal/host"

// portable reports whether the kernel is reached by way of package net.
const portable = host.Portable
