package activities_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/minohq/mino/activities"
	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/internal/testfactory"
	"github.com/minohq/mino/internal/testkit"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/failure"
	"github.com/minohq/mino/workflows/contract"
)

// fixedSecrets are the secrets of every project.
type fixedSecrets map[string]string

func (s fixedSecrets) Open(context.Context, uuid.UUID, uuid.UUID, []string) (map[string]string, error) {
	return s, nil
}

// needy is an executor that needs secrets.
type needy struct{ scripted }

func (n *needy) Needs(executors.Spec) executors.Needs {
	return executors.Needs{Secrets: []string{"api_key"}}
}

// fixedRobots answers for every site.
type fixedRobots struct {
	delay time.Duration
	err   error
}

func (r fixedRobots) Check(context.Context, string) (time.Duration, error) { return r.delay, r.err }

func (b *bench) runs() (runs []models.RemoteRun) {
	b.t.Helper()
	all, err := b.store.OrphanedRuns(b.t.Context(), []string{"fetch"}, 0, 10)
	require.NoError(b.t, err)
	return all
}

func TestRemoteRun(t *testing.T) {
	t.Parallel()

	t.Run("The next attempt goes on with the run of one that was handed back", func(t *testing.T) {
		t.Parallel()
		var b *bench
		var seen []executors.RemoteRun
		b = newBench(t, &scripted{do: func(ctx context.Context, req executors.Request) (executors.Outcome, error) {
			seen = append(seen, req.Remote)
			if len(seen) > 1 {
				return price()
			}
			require.NoError(t, req.Announce(ctx, "mino-"+b.job.ID.String()))
			require.NoError(t, req.Checkpoint(ctx, "run-1"))
			close(b.stop)
			<-ctx.Done()
			require.ErrorIs(t, context.Cause(ctx), executors.ErrHandedBack)
			return executors.Outcome{}, ctx.Err()
		}}, nil)
		_, err := b.run()
		require.Error(t, err)
		b.env.SetWorkerStopChannel(make(chan struct{}))
		outcome, err := b.run()
		require.NoError(t, err)
		require.Equal(t, "completed", outcome.Status)
		require.Equal(t, executors.RemoteRun{}, seen[0])
		require.Equal(t, "run-1", seen[1].ID)
		require.Equal(t, "mino-"+b.job.ID.String(), seen[1].Reference)
		require.Empty(t, b.runs(), "the result was the end of it")
		_, sessions := b.stored()
		require.Equal(t, "run-1", sessions[0].RemoteRunID)
	})

	t.Run("A job that is stopped is told so, and what it used is kept", func(t *testing.T) {
		t.Parallel()
		var b *bench
		b = newBench(t, &scripted{do: func(ctx context.Context, req executors.Request) (executors.Outcome, error) {
			require.NoError(t, req.Announce(ctx, "mino-"+b.job.ID.String()))
			b.cancelActivity()
			<-ctx.Done()
			require.ErrorIs(t, context.Cause(ctx), executors.ErrStopped)
			return executors.Outcome{RemoteEnded: true, Usage: executors.Usage{Steps: 4, CostMicros: 64_000, Currency: "USD"}}, ctx.Err()
		}}, nil)
		_, err := b.run()
		require.True(t, temporal.IsCanceledError(err), "%v", err)
		j, sessions := b.stored()
		require.Equal(t, models.JobCancelled, j.Status)
		require.Equal(t, int64(64_000), j.CostMicros)
		require.Equal(t, 4, sessions[0].Steps)
		require.Empty(t, b.runs())
	})

	t.Run("At the deadline the cause says so", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, &scripted{do: func(ctx context.Context, _ executors.Request) (executors.Outcome, error) {
			<-ctx.Done()
			require.ErrorIs(t, context.Cause(ctx), context.DeadlineExceeded)
			return executors.Outcome{}, ctx.Err()
		}}, nil)
		_, err := b.db.NewRaw(`UPDATE executions SET snapshot = jsonb_set(snapshot, '{job_timeout_ms}', '50')`).Exec(t.Context())
		require.NoError(t, err)
		_, err = b.run()
		require.Equal(t, "timeout", applicationError(t, err).Type())
	})

	t.Run("Without credits the job goes back and the execution is to pause", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, &scripted{do: func(context.Context, executors.Request) (executors.Outcome, error) {
			return executors.Outcome{}, &failure.Error{Class: failure.Permanent, Code: "INSUFFICIENT_CREDITS", Message: "there are none", Pause: true}
		}}, nil)
		outcome, err := b.run()
		require.NoError(t, err)
		require.Equal(t, contract.StatusHeld, outcome.Status)
		require.Equal(t, "INSUFFICIENT_CREDITS: there are none", outcome.Pause)
		j, sessions := b.stored()
		require.Equal(t, models.JobQueued, j.Status)
		require.Equal(t, models.SessionCancelled, sessions[0].Status)
	})

	t.Run("Records that are away when a run is announced cost the job no attempt", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, &scripted{do: func(context.Context, executors.Request) (executors.Outcome, error) {
			return executors.Outcome{}, fmt.Errorf("announce the run: %w", models.ErrUnavailable)
		}}, nil)
		b.input.MaxAttempts = 1
		_, err := b.run()
		require.False(t, applicationError(t, err).NonRetryable())
		_, sessions := b.stored()
		require.Equal(t, models.SessionLost, sessions[0].Status)
	})

	t.Run("The cost of all attempts is the job's", func(t *testing.T) {
		t.Parallel()
		tries := 0
		b := newBench(t, &scripted{do: func(context.Context, executors.Request) (executors.Outcome, error) {
			tries++
			outcome, _ := price()
			outcome.Usage = executors.Usage{Steps: tries, CostMicros: int64(tries) * 1_000, Currency: "USD"}
			if tries == 1 {
				return outcome, failure.New(failure.Transient, "TASK_FAILED", "it failed")
			}
			return outcome, nil
		}}, nil)
		_, err := b.run()
		require.Error(t, err)
		outcome, err := b.run()
		require.NoError(t, err)
		require.Equal(t, int64(3_000), outcome.CostMicros)
		require.Equal(t, 3, outcome.Steps)
		j, _ := b.stored()
		require.Equal(t, int64(3_000), j.CostMicros)
		require.Equal(t, "USD", j.CostCurrency)
	})

	t.Run("Evidence is kept with the session, whatever came of it", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, &scripted{do: func(context.Context, executors.Request) (executors.Outcome, error) {
			return executors.Outcome{Files: []executors.File{
				{Kind: executors.KindScreenshot, ContentType: "image/png", Data: []byte("picture")},
				{Kind: "unknown", ContentType: "image/png", Data: []byte("x")},
			}}, failure.New(failure.Permanent, "SELECTOR_NOT_FOUND", "step 1")
		}}, nil)
		_, err := b.run()
		require.Error(t, err)
		_, sessions := b.stored()
		file, err := b.store.SessionFile(t.Context(), models.DefaultOrganisationID, sessions[0].ID, executors.KindScreenshot)
		require.NoError(t, err)
		require.Equal(t, "picture", string(file.Data))
	})
}

func TestSecrets(t *testing.T) {
	t.Parallel()
	const canary = `canary "kS/9+x`
	everywhere := func() executors.Outcome {
		return executors.Outcome{
			Fields:   map[string]any{"sku": "the key is " + canary, "tags": []any{canary, map[string]any{"k": canary}}},
			Raw:      json.RawMessage(fmt.Sprintf(`{"echo":%q}`, canary)),
			Blocked:  "blocked " + canary,
			Evidence: executors.Evidence{FinalURL: "https://x.example/?k=" + url.QueryEscape(canary), Title: canary, Sources: map[string]string{"sku": canary}},
		}
	}
	for name, do := range map[string]func() (executors.Outcome, error){
		"in a result": func() (executors.Outcome, error) { return everywhere(), nil },
		"in a failure": func() (executors.Outcome, error) {
			return everywhere(), failure.Wrap(errors.New("dial "+canary), failure.Transient, "X", "asked with %s", canary)
		},
		"in an error of another kind": func() (executors.Outcome, error) { return everywhere(), errors.New(canary) },
		"in a panic":                  func() (executors.Outcome, error) { panic(canary) },
	} {
		t.Run("Do not get out "+name, func(t *testing.T) {
			t.Parallel()
			executor := &needy{scripted{do: func(_ context.Context, req executors.Request) (executors.Outcome, error) {
				require.Equal(t, canary, req.Secrets["api_key"])
				return do()
			}}}
			core, logs := observer.New(zap.DebugLevel)
			b := newBench(t, &executor.scripted, nil)
			b.use(activities.New(activities.Config{Secrets: fixedSecrets{"api_key": canary}}, b.store, executors.NewRegistry(executor), zap.New(core)))
			outcome, err := b.run()
			j, sessions := b.stored()
			seen, encodeErr := json.Marshal([]any{outcome, j, sessions})
			require.NoError(t, encodeErr)
			texts := []string{string(seen), fmt.Sprint(err)}
			for _, line := range logs.All() {
				texts = append(texts, line.Message, fmt.Sprint(line.ContextMap()))
			}
			text := strings.Join(texts, "\n")
			require.NotContains(t, text, `kS/9+x`)
			require.NotContains(t, text, url.QueryEscape(`kS/9+x`))
			require.NotContains(t, text, "canary")
			require.Contains(t, text, "[redacted]")
		})
	}
}

func TestManners(t *testing.T) {
	t.Parallel()
	polite := func(t *testing.T, b *bench, p models.Politeness) {
		t.Helper()
		project, err := b.store.Project(t.Context(), models.DefaultOrganisationID, projectOf(t, b))
		require.NoError(t, err)
		project.Politeness = &p
		require.NoError(t, b.store.UpdateProject(t.Context(), project, models.SecretEdit{}))
		b.input.Site = "shop.example"
	}
	taken := func(t *testing.T, b *bench) models.HostRequest {
		t.Helper()
		other := models.HostRequest{
			OrganisationID: models.DefaultOrganisationID, Host: "shop.example", JobID: models.NewID(), Token: models.NewID(), Most: 1, Lease: time.Hour,
		}
		grant, err := b.store.AcquireHost(t.Context(), other)
		require.NoError(t, err)
		require.True(t, grant.Granted)
		return other
	}
	do := func(context.Context, executors.Request) (executors.Outcome, error) { return price() }

	t.Run("A job whose site is taken is deferred and has not begun", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, &scripted{do: do}, nil)
		polite(t, b, models.Politeness{MaxConcurrentPerHost: 1})
		other := taken(t, b)
		outcome, err := b.run()
		require.NoError(t, err)
		require.Equal(t, contract.StatusDeferred, outcome.Status)
		require.Positive(t, outcome.DeferMS)
		j, sessions := b.stored()
		require.Equal(t, models.JobQueued, j.Status)
		require.Empty(t, sessions)
		require.NoError(t, b.store.ReleaseHost(t.Context(), other.JobID, other.Token))
		outcome, err = b.run()
		require.NoError(t, err)
		require.Equal(t, "completed", outcome.Status)
		taken(t, b) // the job has given the site back
	})

	t.Run("What robots.txt forbids fails for good", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, &scripted{do: func(context.Context, executors.Request) (executors.Outcome, error) {
			t.Error("it is fetched all the same")
			return price()
		}}, nil)
		polite(t, b, models.Politeness{RespectRobotsTxt: true})
		refused := failure.New(failure.Permanent, "ROBOTS_DISALLOWED", "robots.txt says no")
		b.use(activities.New(activities.Config{Robots: fixedRobots{err: refused}}, b.store, executors.NewRegistry(&scripted{do: do}), zap.NewNop()))
		_, err := b.run()
		require.True(t, applicationError(t, err).NonRetryable())
		j, _ := b.stored()
		require.Equal(t, "ROBOTS_DISALLOWED", j.ErrorCode)
	})

	t.Run("The delay that robots.txt asks for is kept to", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, &scripted{do: do}, nil)
		polite(t, b, models.Politeness{RespectRobotsTxt: true})
		b.use(activities.New(activities.Config{Robots: fixedRobots{delay: time.Minute}}, b.store, executors.NewRegistry(&scripted{do: do}), zap.NewNop()))
		_, err := b.run()
		require.NoError(t, err)
		// The first job has learned of it; the second is the first to keep to it.
		for _, want := range []string{"completed", contract.StatusDeferred} {
			b.next()
			outcome, err := b.run()
			require.NoError(t, err)
			require.Equal(t, want, outcome.Status)
		}
	})

	t.Run("An execution of a project without limits asks for no site", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, &scripted{do: do}, nil)
		b.input.Site = "shop.example"
		taken(t, b)
		outcome, err := b.run()
		require.NoError(t, err)
		require.Equal(t, "completed", outcome.Status)
	})
}

func projectOf(t *testing.T, b *bench) uuid.UUID {
	t.Helper()
	e, err := b.store.ExecutionByID(t.Context(), b.executionID())
	require.NoError(t, err)
	return e.ProjectID
}

func TestSitesAreToldByTheirHosts(t *testing.T) {
	t.Parallel()
	s := testkit.Store(t, testkit.Database(t))
	p := testfactory.Project(t, s, nil)
	spellings := []string{"https://shop.example/1", "http://SHOP.Example:8080/2", "https://user@Shop.example/3"}
	b := testfactory.Batch(t, s, p, len(spellings), func(j *models.Job) { j.SiteURL = spellings[j.RowNumber-1] })
	e := testfactory.Execution(t, s, p, b, nil)
	a := activities.New(activities.Config{}, s, executors.NewRegistry(), zap.NewNop())
	page, err := a.NextJobs(t.Context(), contract.NextJobsInput{ExecutionID: e.ID.String(), OrganisationID: e.OrganisationID.String(), Limit: 10})
	require.NoError(t, err)
	require.Len(t, page.Jobs, len(spellings))
	for _, job := range page.Jobs {
		require.Equal(t, "shop.example", job.Site, "what a site takes is counted once for it")
	}
}
