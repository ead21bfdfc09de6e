package main

import (
	"context"
	"errors"
	"strconv"
	"time"
)

// flooded measures goodput: a sender on the other core sends GSO bursts as fast as it can,
// and what counts is what the receiver hands over a second. Receivers take turns.
type flooded struct {
	b    *bench
	size int
	long time.Duration // counted; the first part of each flood is not
}

const floodWarmup = 150 * time.Millisecond

func (f flooded) round(ctx context.Context, variants []string) map[string]sample {
	samples := map[string]sample{}
	for _, v := range variants {
		s, err := f.one(ctx, v)
		s.err = err
		samples[v] = s
	}
	return samples
}

func (f flooded) one(ctx context.Context, variant string) (sample, error) {
	const every, buffer = 4096, 4 << 20 // a line of report every few ms
	r, err := f.b.startReceiver(ctx, variant, f.b.oneP(), recvJob{every: every, buffer: buffer})
	if err != nil {
		return sample{}, err
	}
	defer r.stop()
	sender, _, err := start(ctx, "flood", f.b.senderP(), f.b.self, "role", "flood",
		r.at.Addr().String(), strconv.Itoa(int(r.at.Port())), strconv.Itoa(f.size), strconv.Itoa(segments))
	if err != nil {
		return sample{}, err
	}
	defer sender.stop()

	begin := monotonic() + floodWarmup.Nanoseconds()
	end := begin + f.long.Nanoseconds()
	var first, last line
	for last.numbers == nil || last.numbers[2] < end {
		got, err := r.expect("got", 2*time.Second)
		if err != nil {
			return sample{}, err
		}
		switch {
		case got.numbers[2] < begin:
		case first.numbers == nil:
			first, last = got, got
		default:
			last = got
		}
	}
	datagrams := float64(last.numbers[0] - first.numbers[0])
	if datagrams == 0 {
		return sample{}, errors.New(variant + ": too slow to be measured")
	}
	if bytes := last.numbers[1] - first.numbers[1]; bytes != int64(datagrams)*int64(f.size) {
		return sample{}, errors.New(variant + ": datagrams of another size than were sent")
	}
	return sample{values: map[metric]float64{
		rate: datagrams / float64(last.numbers[2]-first.numbers[2]) * 1e9,
		cpu:  float64(last.numbers[3]-first.numbers[3]) / datagrams,
	}}, nil
}
