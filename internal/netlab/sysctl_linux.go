package netlab

import (
	"fmt"
	"os"
	"strings"
)

// Sysctl returns the value of a network sysctl, such as
// "net.ipv4.igmp_max_memberships".
func (h *Host) Sysctl(key string) (string, error) {
	value, err := h.read(sysctlFile(key))
	if err != nil {
		return "", fmt.Errorf("%s: read sysctl %s: %w", h, key, err)
	}
	return strings.TrimSpace(string(value)), nil
}

// SetSysctl sets a network sysctl that each namespace has for itself. Others, such
// as net.core.rmem_max, cannot be written.
func (h *Host) SetSysctl(key, value string) error {
	err := h.visit(func() error { return os.WriteFile(sysctlFile(key), []byte(value), 0) })
	if err != nil {
		return fmt.Errorf("%s: set sysctl %s=%s: %w", h, key, value, err)
	}
	return nil
}

// sysctlFile returns the file of a key. The kernel shows in it the namespace of
// the thread that opens it.
func sysctlFile(key string) string {
	return "/proc/sys/" + strings.ReplaceAll(key, ".", "/")
}

// read returns the content of a file as a thread in the namespace of h sees it.
func (h *Host) read(file string) (content []byte, err error) {
	err = h.visit(func() error {
		content, err = os.ReadFile(file)
		return err
	})
	return content, err
}
