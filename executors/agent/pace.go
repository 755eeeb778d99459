package agent

import (
	"math/rand/v2"
	"time"
)

// pace is how long the service advises to wait between two looks at a run, by how long
// it has been followed; drawn at random within bounds, so that runs which began together
// are not asked about together.
func pace(elapsed time.Duration) time.Duration {
	switch {
	case elapsed < time.Minute:
		return between(2*time.Second, 3*time.Second)
	case elapsed < 5*time.Minute:
		return between(5*time.Second, 10*time.Second)
	default:
		return between(30*time.Second, time.Minute)
	}
}

func between(low, high time.Duration) time.Duration {
	return low + rand.N(high-low+1) //nolint:gosec // no secret: it spreads questions over time
}
