package store_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/testfactory"
	"github.com/minohq/mino/internal/testkit"
	"github.com/minohq/mino/migrations"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/store"
)

// MINO runs with a login that owns nothing and may nothing but take its two roles.
func TestALoginWithoutRightsOfItsOwnIsEnough(t *testing.T) {
	t.Parallel()
	address := testkit.DatabaseURL(t)
	owner := testkit.OpenDatabase(t, address)
	name := "mino_login_" + strings.ToLower(rand.Text())
	for _, statement := range []string{
		`CREATE ROLE %[1]s LOGIN PASSWORD '%[1]s' NOINHERIT NOSUPERUSER NOCREATEROLE NOBYPASSRLS`,
		`GRANT mino_app, mino_system TO %[1]s`,
	} {
		_, err := owner.ExecContext(t.Context(), fmt.Sprintf(statement, name))
		require.NoError(t, err)
	}
	t.Cleanup(func() {
		_, err := owner.ExecContext(context.WithoutCancel(t.Context()), "DROP ROLE "+name)
		require.NoError(t, err)
	})
	parsed, err := url.Parse(address)
	require.NoError(t, err)
	parsed.User = url.UserPassword(name, name)
	db, err := store.Open(parsed.String(), 4)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	s := store.New(db)
	require.NoError(t, migrations.Check(t.Context(), db))

	w := newWorld(t, s)
	ctx, org := t.Context(), w.org.ID
	require.NoError(t, s.CompleteAttempt(ctx, w.attempt, success(false)))
	last := queued(t, s, w.execution, 1)
	a, _, err := s.BeginAttempt(ctx, org, w.execution.ID, last[0].ID, "worker")
	require.NoError(t, err)
	require.NoError(t, s.FailAttempt(ctx, a, store.Failure{Class: "transient", Code: "X", Retry: true}))
	a, _, err = s.BeginAttempt(ctx, org, w.execution.ID, last[0].ID, "worker")
	require.NoError(t, err)
	require.NoError(t, s.CancelAttempt(ctx, a, store.Used{}))
	require.NoError(t, s.RecordState(ctx, org, w.execution.ID, models.ExecutionPaused, 3, "why"))
	require.NoError(t, s.RecordState(ctx, org, w.execution.ID, models.ExecutionRunning, 3, ""))
	e, err := s.FinishExecution(ctx, org, w.execution.ID, models.ExecutionCompleted, "")
	require.NoError(t, err)
	require.Equal(t, 2, e.CompletedJobs)
	events, err := s.ListEvents(ctx, org, e.ID, 0, 100)
	require.NoError(t, err)
	require.NotEmpty(t, events)
	metrics, err := s.ProjectMetrics(ctx, org, w.project.ID, models.MetricsQuery{
		From: time.Now().Add(-time.Hour), To: time.Now().Add(time.Hour), Bucket: "hour", Hosts: 3,
	})
	require.NoError(t, err)
	require.Equal(t, 1, metrics.Finished)
	require.NoError(t, s.ReleaseHost(ctx, w.host.JobID, w.host.Token))

	_, _, err = s.Login(ctx, newLogin(func(l *models.Login) { l.Organisation, l.Role = w.mark, "admin" }))
	require.NoError(t, err)
	_, _, err = s.APIKeyByID(ctx, w.apiKey.ID)
	require.NoError(t, err)
	require.NoError(t, s.UseAPIKey(ctx, w.apiKey.ID, "192.0.2.1"))
	_, err = s.TakeTicket(ctx, w.ticket.Hash)
	require.NoError(t, err)
	require.NoError(t, s.ForgetTickets(ctx))
	require.NoError(t, s.ForgetKeys(ctx))
	w.org.MaxJobsPerDay = ptr(int64(100))
	require.NoError(t, s.UpdateOrganisation(ctx, w.org))
	testfactory.Execution(t, s, w.project, testfactory.Batch(t, s, w.project, 1, nil), nil)
	require.ErrorIs(t, s.DeleteProject(ctx, org, w.project.ID, true, nil), models.ErrBatchBusy)

	t.Log("without its roles it has nothing")
	plain, err := store.OpenOwner(parsed.String(), 1)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, plain.Close()) })
	for table := range tablesOf(t, owner) {
		_, err := plain.ExecContext(ctx, `SELECT FROM "`+table+`"`)
		forbidden(t, err, table)
	}
}
