package udp_test

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"sync"
)

// A names lookup knows some names, and counts who asks.
type names struct {
	mu    sync.Mutex
	known map[string][]netip.Addr
	asked []string // "network host"
}

func (n *names) lookup(_ context.Context, network, host string) ([]netip.Addr, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.asked = append(n.asked, network+" "+host)
	if a, ok := n.known[host]; ok {
		return a, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

func (n *names) questions() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.asked)
}

// looked is a lookup that knows one name.
func looked(name string, addrs ...netip.Addr) *names {
	return &names{known: map[string][]netip.Addr{name: addrs}}
}
