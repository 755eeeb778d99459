package scoring

import "math"

// Interval is a share with what it may be in truth, given how few were counted.
type Interval struct {
	// Value is Matched/N, 0–1.
	Value float64 `json:"value"`
	// Low and High bound the true share with 95% confidence, 0–1.
	Low     float64 `json:"low"`
	High    float64 `json:"high"`
	Matched int     `json:"matched"`
	N       int     `json:"n"`
}

// z95 is the point below which 97.5% of the normal distribution lies.
const z95 = 1.959963984540054

// Wilson gives the 95% Wilson score interval of matched out of n, which stays within
// 0–1 and keeps its confidence for few and for extreme counts. With nothing counted,
// the zero Interval is returned. matched is taken as at least 0 and at most n.
func Wilson(matched, n int) Interval {
	if n <= 0 {
		return Interval{}
	}
	matched = min(max(matched, 0), n)
	count, share := float64(n), float64(matched)/float64(n)
	scale := 1 + z95*z95/count
	centre := (share + z95*z95/(2*count)) / scale
	spread := z95 / scale * math.Sqrt(share*(1-share)/count+z95*z95/(4*count*count))
	return Interval{
		// Rounding must not put the share itself outside.
		Value: share, Low: min(share, max(0, centre-spread)), High: max(share, min(1, centre+spread)),
		Matched: matched, N: n,
	}
}
