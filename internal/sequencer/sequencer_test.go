package sequencer_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/minohq/mino/internal/sequencer"
	"github.com/minohq/mino/internal/testkit"
	"github.com/minohq/mino/models"
)

// records counts what is asked of it, and fails as often as it is told to.
type records struct {
	mu    sync.Mutex
	calls map[uuid.UUID]int
	fail  []error
	// hold keeps every call until it is closed, when there is one.
	hold   chan struct{}
	called chan uuid.UUID
}

func newRecords(fail ...error) *records {
	return &records{calls: map[uuid.UUID]int{}, fail: fail, called: make(chan uuid.UUID, 1_000)}
}

func (r *records) SequenceEvents(ctx context.Context, id uuid.UUID) (int, error) {
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	r.called <- id
	if r.hold != nil {
		<-r.hold
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls[id]++
	if len(r.fail) > 0 {
		err := r.fail[0]
		r.fail = r.fail[1:]
		return 0, err
	}
	return 1, nil
}

func (r *records) count(id uuid.UUID) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.calls[id]
}

// run runs a sequencer until stop is called, which waits for its end.
func run(t *testing.T, s *sequencer.Sequencer) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.Run(ctx)
	}()
	stop = func() {
		cancel()
		<-ended
	}
	t.Cleanup(stop)
	return stop
}

func TestSequencer(t *testing.T) {
	t.Parallel()

	t.Run("NumbersWhatIsMarkedAndNothingElse", func(t *testing.T) {
		t.Parallel()
		r := newRecords()
		s := sequencer.New(r, testkit.Logger(t), time.Millisecond)
		run(t, s)
		one, two := models.NewID(), models.NewID()
		s.Mark(one)
		require.Equal(t, one, <-r.called)
		s.Mark(two)
		require.Equal(t, two, <-r.called)
		require.Equal(t, 1, r.count(one))
	})

	t.Run("FollowsTheFirstMarkAtOnceAndCoalescesTheRest", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			r := newRecords()
			s := sequencer.New(r, zap.NewNop(), time.Second)
			stop := run(t, s)
			one, two := models.NewID(), models.NewID()
			start := time.Now()
			s.Mark(one)
			require.Equal(t, one, <-r.called)
			require.Zero(t, time.Since(start), "nothing was numbered for a while")
			synctest.Wait()
			for range 100 {
				s.Mark(one)
				s.Mark(two)
			}
			synctest.Wait()
			require.Equal(t, 1, r.count(one), "the interval is not over")
			require.ElementsMatch(t, []uuid.UUID{one, two}, []uuid.UUID{<-r.called, <-r.called})
			require.Equal(t, time.Second, time.Since(start))
			time.Sleep(time.Hour) //nolint:forbidigo // of the bubble's clock
			require.Equal(t, 2, r.count(one), "what is numbered is not numbered again")
			s.Mark(two)
			require.Equal(t, two, <-r.called)
			require.Equal(t, start.Add(time.Hour+time.Second), time.Now(), "nor does it wait after a quiet time")
			stop()
			require.Equal(t, 2, r.count(two))
		})
	})

	t.Run("FlushesWhatIsMarkedAtTheEnd", func(t *testing.T) {
		t.Parallel()
		r := newRecords()
		s := sequencer.New(r, testkit.Logger(t), time.Hour)
		stop := run(t, s)
		one, two := models.NewID(), models.NewID()
		s.Mark(one)
		<-r.called
		s.Mark(one)
		s.Mark(two)
		require.Zero(t, r.count(two), "the interval is not over")
		stop()
		require.Equal(t, 2, r.count(one))
		require.Equal(t, 1, r.count(two))
	})

	t.Run("TriesAgainWhatFailedUnlessItIsGone", func(t *testing.T) {
		t.Parallel()
		r := newRecords(models.ErrUnavailable, models.ErrExecutionNotFound)
		s := sequencer.New(r, testkit.Logger(t), time.Millisecond)
		stop := run(t, s)
		id := models.NewID()
		s.Mark(id)
		require.Equal(t, id, <-r.called)
		require.Equal(t, id, <-r.called)
		stop()
		require.Equal(t, 2, r.count(id))
	})

	t.Run("NeverKeepsAMarkWaiting", func(t *testing.T) {
		t.Parallel()
		r := newRecords()
		r.hold = make(chan struct{})
		s := sequencer.New(r, testkit.Logger(t), time.Millisecond)
		stop := run(t, s)
		id := models.NewID()
		s.Mark(id)
		<-r.called
		s.Mark(id) // while it is being numbered
		close(r.hold)
		<-r.called
		stop()
		require.Equal(t, 2, r.count(id), "a mark during the numbering is not lost")
	})
}
