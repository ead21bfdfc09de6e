package slab

// Ended tells whether every message of a life has been released.
func (l *Life) Ended() bool { return l.full.Load() == words }
