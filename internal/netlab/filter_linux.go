package netlab

import (
	"fmt"
	"os/exec"
	"strings"
)

// Filter loads nftables rules into h with the program nft, which reads them as a
// file. The error wraps [exec.ErrNotFound] where there is no such program; tests
// skip then.
func (h *Host) Filter(rules string) error {
	nft, err := exec.LookPath("nft")
	if err != nil {
		return fmt.Errorf("%s: filter: %w", h, err)
	}
	return h.Do(func() error {
		c := exec.Command(nft, "-f", "-")
		c.Stdin = strings.NewReader(rules)
		if said, err := c.CombinedOutput(); err != nil {
			return fmt.Errorf("filter: %w: %s", err, said)
		}
		return nil
	})
}
