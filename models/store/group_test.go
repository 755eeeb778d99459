package store

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/models"
)

// served records what statements there were, and holds each until it may go on.
type served struct {
	begun, goOn chan struct{}
	mu          sync.Mutex
	groups      [][]int
}

func newServed() *served { return &served{begun: make(chan struct{}, 100), goOn: make(chan struct{})} }

func (s *served) serve(ctx context.Context, _ string, items []int) ([]int, error) {
	s.mu.Lock()
	s.groups = append(s.groups, items)
	s.mu.Unlock()
	s.begun <- struct{}{}
	select {
	case <-s.goOn:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	answers := make([]int, len(items))
	for i, item := range items {
		if item < 0 {
			return nil, &pgconn.PgError{Code: "22P05"}
		}
		answers[i] = 2 * item
	}
	return answers, nil
}

// waitFor returns when a number of calls wait for the statement after the present one.
func waitFor(t *testing.T, g *group[string, int, int], calls int) {
	t.Helper()
	require.Eventually(t, func() bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		return len(g.waiting["key"]) == calls
	}, 5*time.Second, time.Millisecond)
}

func TestGroup(t *testing.T) {
	t.Parallel()

	t.Run("ServesTogetherWhatComesMeanwhile", func(t *testing.T) {
		t.Parallel()
		s := newServed()
		g := newGroup(s.serve)
		var all sync.WaitGroup
		call := func(item int) {
			all.Go(func() {
				answer, err := g.do(t.Context(), "key", item)
				if err != nil || answer != 2*item {
					t.Errorf("%d came to %d, %v", item, answer, err)
				}
			})
		}
		call(1)
		<-s.begun
		for item := range 10 {
			call(item + 2)
		}
		waitFor(t, g, 10)
		close(s.goOn)
		all.Wait()
		require.Len(t, s.groups, 2)
		require.Equal(t, []int{1}, s.groups[0])
		require.Len(t, s.groups[1], 10)
		require.Eventually(t, func() bool {
			g.mu.Lock()
			defer g.mu.Unlock()
			return len(g.waiting) == 0
		}, 5*time.Second, time.Millisecond, "nothing is kept of a key that nobody uses")
	})

	t.Run("OtherKeysDoNotWait", func(t *testing.T) {
		t.Parallel()
		s := newServed()
		g := newGroup(s.serve)
		var all sync.WaitGroup
		for _, key := range []string{"one", "two"} {
			all.Go(func() { _, _ = g.do(t.Context(), key, 1) })
		}
		<-s.begun
		<-s.begun
		close(s.goOn)
		all.Wait()
	})

	t.Run("NeighboursOfRefusedDataDoNotNotice", func(t *testing.T) {
		t.Parallel()
		s := newServed()
		g := newGroup(s.serve)
		errs := make([]error, 4)
		var all sync.WaitGroup
		all.Go(func() { _, errs[0] = g.do(t.Context(), "key", 0) })
		<-s.begun
		for i, item := range []int{1, -1, 3} {
			all.Go(func() { _, errs[i+1] = g.do(t.Context(), "key", item) })
		}
		waitFor(t, g, 3)
		close(s.goOn)
		all.Wait()
		var refused *pgconn.PgError
		require.ErrorAs(t, errs[2], &refused)
		require.NoError(t, errors.Join(errs[0], errs[1], errs[3]))
	})

	t.Run("WhoLeavesIsNotServedNorWaitedFor", func(t *testing.T) {
		t.Parallel()
		s := newServed()
		g := newGroup(s.serve)
		leaving, leave := context.WithCancel(t.Context())
		errs := make([]error, 3)
		var all, left sync.WaitGroup
		left.Go(func() { _, errs[0] = g.do(leaving, "key", 1) })
		<-s.begun
		left.Go(func() { _, errs[1] = g.do(leaving, "key", 2) })
		waitFor(t, g, 1)
		all.Go(func() { _, errs[2] = g.do(t.Context(), "key", 3) })
		waitFor(t, g, 2)
		leave()
		left.Wait()
		require.ErrorIs(t, errs[0], context.Canceled)
		require.ErrorIs(t, errs[1], context.Canceled)
		// The first statement has ended, since nobody waited for it.
		close(s.goOn)
		all.Wait()
		require.NoError(t, errs[2])
		require.Equal(t, [][]int{{1}, {3}}, s.groups)
	})

	t.Run("UnavailabilityIsSharedByAll", func(t *testing.T) {
		t.Parallel()
		calls := 0
		g := newGroup(func(_ context.Context, _ string, items []int) ([]int, error) {
			calls += len(items)
			return nil, models.ErrUnavailable
		})
		_, err := g.do(t.Context(), "key", 1)
		require.ErrorIs(t, err, models.ErrUnavailable)
		require.Equal(t, 1, calls)
	})
}
