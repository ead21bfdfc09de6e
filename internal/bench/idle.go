package main

import "context"

// idle measures what many sockets cost that have a waiting consumer and nothing to do.
type idle struct{ b *bench }

func (i idle) round(ctx context.Context, variants []string) map[string]sample {
	samples := map[string]sample{}
	for _, v := range variants {
		c, err := openCrowd(ctx, i.b, v, 1)
		if err != nil {
			samples[v] = sample{err: err}
			continue
		}
		samples[v] = sample{values: map[metric]float64{memory: c.memory}}
		c.close()
	}
	return samples
}
