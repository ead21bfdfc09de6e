package udptest_test

import "flag"

var (
	seeds   = flag.Int("seeds", 200, "how many `seeds` TestDifferential tries")
	oneSeed = flag.Uint64("seed", 0, "the one `seed` that TestDifferential tries, if not 0")
)
