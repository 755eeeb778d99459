package store_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/testfactory"
	"github.com/minohq/mino/internal/testkit"
)

// BenchmarkJob begins and completes one job after the other, fifty at once as at an
// execution's highest concurrency.
func BenchmarkJob(b *testing.B) {
	const goroutines = 50
	s := testkit.Store(b, testkit.Database(b))
	p := testfactory.Project(b, s, nil)
	batch := testfactory.Batch(b, s, p, b.N, nil)
	e := testfactory.Execution(b, s, p, batch, nil)
	ctx := context.Background()
	begun(b, s, e)
	jobs := queued(b, s, e, b.N)
	var next atomic.Int64
	var all sync.WaitGroup
	b.ResetTimer()
	for range goroutines {
		all.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(jobs) {
					return
				}
				a, _, err := s.BeginAttempt(ctx, e.OrganisationID, e.ID, jobs[i].ID, "worker")
				if err == nil {
					err = s.CompleteAttempt(ctx, a, success(true))
				}
				if err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	b.StopTimer()
	require.Len(b, jobs, b.N)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "jobs/s")
}
