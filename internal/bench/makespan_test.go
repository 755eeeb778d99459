package bench

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/models"
)

const (
	makespanJobs  = 10_000
	makespanSeed  = 20_261_124
	makespanMean  = 1.5 // seconds
	makespanSigma = 1.2
)

// BenchmarkMakespan runs jobs whose lengths are log-normal, most of them short and a few
// very long, and compares the time that all of them take with what a scheduler without
// any cost of its own would take: the larger of the work shared out evenly, and the
// finish of a list schedule in the order of the rows.
func BenchmarkMakespan(b *testing.B) {
	n := jobs(b, makespanJobs)
	for b.Loop() {
		lengths := heavyTailed(n)
		s := newSystem(b, func(ctx context.Context, r executors.Request) error {
			length, err := time.ParseDuration(r.Inputs["takes"])
			if err != nil {
				return err
			}
			select {
			case <-time.After(length):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		e := s.execution(n, func(j *models.Job) { j.Input = map[string]string{"takes": lengths[j.RowNumber-1].String()} })
		even, greedy := bounds(lengths)
		took := s.run(e)
		b.Logf("%d jobs, seed %d: work / %d %.1f s, list schedule %.1f s, took %.1f s",
			n, makespanSeed, window, even.Seconds(), greedy.Seconds(), took.Seconds())
		makespan.recordAgainst(b, took.Seconds(), max(even, greedy).Seconds())
		_, chunks := s.histories(e)
		makespanChunks.record(b, float64(chunks))
	}
}

func heavyTailed(n int) []time.Duration {
	random := rand.New(rand.NewPCG(makespanSeed, 0))
	mu := math.Log(makespanMean) - makespanSigma*makespanSigma/2
	lengths := make([]time.Duration, n)
	for i := range lengths {
		lengths[i] = time.Duration(math.Exp(mu+makespanSigma*random.NormFloat64()) * float64(time.Second)).Round(time.Microsecond)
	}
	return lengths
}

// bounds gives the work shared out evenly, and the finish of a list schedule: whichever
// slot is free first takes the next row.
func bounds(lengths []time.Duration) (even, greedy time.Duration) {
	free := make([]time.Duration, window)
	for _, length := range lengths {
		slot := slices.Index(free, slices.Min(free))
		free[slot] += length
		even += length
	}
	return even / window, slices.Max(free)
}

func TestBounds(t *testing.T) {
	t.Parallel()

	t.Run("OfEqualJobs", func(t *testing.T) {
		t.Parallel()
		even, greedy := bounds(slices.Repeat([]time.Duration{time.Second}, 3*window))
		require.Equal(t, 3*time.Second, even)
		require.Equal(t, 3*time.Second, greedy)
	})

	t.Run("OfALongJobAtTheEnd", func(t *testing.T) {
		t.Parallel()
		_, greedy := bounds(append(slices.Repeat([]time.Duration{time.Second}, window), time.Minute))
		require.Equal(t, time.Minute+time.Second, greedy)
	})
}
