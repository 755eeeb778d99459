package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/testfactory"
	"github.com/minohq/mino/internal/testkit"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/store"
)

// hearing listens until the test ends.
type hearing struct {
	listening chan struct{}
	notices   chan uuid.UUID
	ended     chan error
	stop      context.CancelFunc
}

func listen(t *testing.T, url string) *hearing {
	t.Helper()
	n, err := store.NewNotices(url)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	h := &hearing{
		listening: make(chan struct{}, 1), notices: make(chan uuid.UUID, 100), ended: make(chan error, 1), stop: cancel,
	}
	go func() {
		h.ended <- n.Listen(ctx, func() { h.listening <- struct{}{} }, func(id uuid.UUID) { h.notices <- id })
	}()
	return h
}

//nolint:tparallel // one story, in two parts
func TestNotices(t *testing.T) {
	t.Parallel()
	url := testkit.DatabaseURL(t)
	db := testkit.OpenDatabase(t, url)
	s := testkit.Store(t, db)
	p := testfactory.Project(t, s, nil)
	e := testfactory.Execution(t, s, p, testfactory.Batch(t, s, p, 3, nil), nil)
	begun(t, s, e)
	sequence := func() int {
		t.Helper()
		n, err := s.SequenceEvents(t.Context(), e.ID)
		require.NoError(t, err)
		return n
	}
	require.Equal(t, 1, sequence())

	//nolint:paralleltest // the second part must not hear of the first
	t.Run("ComeOnceForEachNumberingAndNotForNothing", func(t *testing.T) {
		h := listen(t, url)
		<-h.listening
		for _, j := range queued(t, s, e, 2) {
			a, _, err := s.BeginAttempt(t.Context(), e.OrganisationID, e.ID, j.ID, "worker")
			require.NoError(t, err)
			require.NoError(t, s.CompleteAttempt(t.Context(), a, success(true)))
		}
		require.Equal(t, 2, sequence())
		require.Equal(t, e.ID, <-h.notices)
		require.Zero(t, sequence())
		_, err := db.ExecContext(t.Context(), "SELECT pg_notify(?, 'something else')", models.EventsChannel)
		require.NoError(t, err)
		_, err = s.FinishExecution(t.Context(), e.OrganisationID, e.ID, models.ExecutionStopped, "")
		require.NoError(t, err)
		require.Equal(t, e.ID, <-h.notices, "of the end")
		require.Empty(t, h.notices)
		h.stop()
		require.ErrorIs(t, <-h.ended, context.Canceled)
	})

	//nolint:paralleltest // see above
	t.Run("EndWithTheConnection", func(t *testing.T) {
		h := listen(t, url)
		<-h.listening
		_, err := db.ExecContext(t.Context(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'mino-notices'")
		require.NoError(t, err)
		select {
		case err := <-h.ended:
			require.ErrorIs(t, err, models.ErrUnavailable)
		case <-time.After(10 * time.Second):
			require.Fail(t, "nobody noticed")
		}
	})
}
