//go:build !linux || dgram_portable

package watch

import "errors"

func open() (Watcher, error) { return nil, errors.ErrUnsupported }
