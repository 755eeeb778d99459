package e2e

import (
	"bytes"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/apikey"
	"github.com/minohq/mino/internal/client"
	"github.com/minohq/mino/internal/testkit"
	"github.com/minohq/mino/internal/testkit/rig"
)

// TestKeysOverProcesses takes a new database from its first key to the end of one that was
// given away, over two processes of the API and a worker.
func TestKeysOverProcesses(t *testing.T) {
	t.Parallel()
	web := newSite(t)
	env := []string{
		"DATABASE_URL=" + testkit.DatabaseURL(t), "TEMPORAL_ADDRESS=" + testkit.Temporal(t).Address(), "MINO_TASK_QUEUE=" + testkit.TaskQueue(t),
		"MINO_ALLOWED_NETWORKS=127.0.0.0/8", "MINO_LISTEN=127.0.0.1:0", "MINO_AUTH=required", "MINO_AUTH_KEY=" + apikey.NewKey(),
	}
	open := rig.Start(t, append(env, "MINO_AUTH=off", "MINO_LISTEN=0.0.0.0:0"), "api")
	<-open.Done
	require.NotZero(t, open.ProcessState.ExitCode())
	require.Contains(t, open.Out.String(), "--auth (MINO_AUTH): must be required")

	// key makes one as the operator does.
	key := func(args ...string) string {
		made := rig.Start(t, env, append([]string{"orgs", "key"}, args...)...)
		<-made.Done
		require.Zero(t, made.ProcessState.ExitCode(), made.Out)
		return strings.TrimSpace(made.Out.String())
	}
	first, second := rig.Start(t, env, "api"), rig.Start(t, env, "api")
	rig.Start(t, env, "worker")
	as := func(p *rig.Process, key string) *client.Client {
		c, err := client.New(client.Config{BaseURL: p.URL(t), Key: key, MaxRetries: -1})
		require.NoError(t, err)
		return c
	}
	_, err := as(first, "").Me(t.Context())
	require.Equal(t, wire.CodeUnauthorized, client.Code(err), "%v", err)
	owner := as(first, key("default"))

	slug := "org-" + uuid.NewString()
	made := rig.Start(t, env, "orgs", "create", slug)
	<-made.Done
	require.Zero(t, made.ProcessState.ExitCode(), made.Out)
	neighbour := as(second, key(slug, "--role", "owner"))

	given, err := owner.CreateKey(t.Context(), wire.APIKeyRequest{Name: "given away", Role: "member"})
	require.NoError(t, err)
	one, other := as(first, given.Key), as(second, given.Key)
	wanted := priceProject()
	wanted.Name = "Project " + uuid.NewString()
	project, err := one.CreateProject(t.Context(), wanted)
	require.NoError(t, err)
	batch, err := other.CreateBatchCSV(t.Context(), project.ID, "rows.csv", bytes.NewReader(web.csv(5)), "rows.csv")
	require.NoError(t, err)
	execution, err := other.Execute(t.Context(), project.ID, batch.ID, wire.ExecuteRequest{Type: "production"})
	require.NoError(t, err)

	_, err = neighbour.Execution(t.Context(), execution.ID)
	require.Equal(t, wire.CodeExecutionNotFound, client.Code(err), "%v", err)
	_, err = neighbour.Stop(t.Context(), execution.ID, client.StopCancel)
	require.Equal(t, wire.CodeExecutionNotFound, client.Code(err), "%v", err)
	_, err = one.CreateKey(t.Context(), wire.APIKeyRequest{Name: "more", Role: "owner"})
	require.Equal(t, wire.CodeForbidden, client.Code(err), "%v", err)

	// A stream that is open when its key is revoked ends too, in a process that did not
	// revoke it.
	ended, opened := make(chan error, 1), make(chan struct{})
	go func() {
		begun := false
		for e, err := range other.Events(t.Context(), execution.ID, 0) {
			if err != nil || e.Type == "" {
				ended <- err
				return
			}
			if !begun {
				begun = true
				close(opened)
			}
		}
		ended <- errors.New("the execution has ended")
	}()
	<-opened
	_, err = owner.RevokeKey(t.Context(), given.ID)
	require.NoError(t, err)
	began := time.Now()
	dead := func(c *client.Client) func() bool {
		return func() bool {
			_, err := c.Me(t.Context())
			return client.Code(err) == wire.CodeInvalidToken
		}
	}
	require.Eventually(t, dead(one), time.Minute, 10*time.Millisecond)
	require.Eventually(t, dead(other), time.Minute, 10*time.Millisecond)
	var refused *client.Error
	require.ErrorAs(t, <-ended, &refused)
	require.Equal(t, http.StatusUnauthorized, refused.Status)
	t.Logf("dead everywhere after %v", time.Since(began))

	// What it began goes on, and what it did is written down.
	web.release()
	require.Eventually(t, func() bool {
		stats, err := owner.Stats(t.Context(), execution.ID)
		return err == nil && stats.Status == "completed"
	}, time.Minute, 50*time.Millisecond)
	did := map[string]bool{}
	for entry, err := range owner.Audit(t.Context(), map[string][]string{"actor_id": {given.ID.String()}}) {
		require.NoError(t, err)
		did[entry.Operation] = true
	}
	require.Equal(t, map[string]bool{"createProject": true, "createBatch": true, "execute": true}, did)
	for entry, err := range neighbour.Audit(t.Context(), nil) {
		require.NoError(t, err)
		require.Contains(t, entry.Operation, "mino orgs", "what others did is not theirs to read")
	}
}
