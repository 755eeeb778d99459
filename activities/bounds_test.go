package activities_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.uber.org/zap"

	"github.com/minohq/mino/activities"
	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/failure"
	"github.com/minohq/mino/models/store"
)

// What an executor, or somebody's activity, says that it has used is anybody's: a job whose
// outcome cannot be written for it would be tried for ever.
func TestUsageBeyondBounds(t *testing.T) {
	t.Parallel()
	for name, usage := range map[string]executors.Usage{
		"more steps than the records count": {Steps: math.MaxInt},
		"more money than the records count": {CostMicros: math.MaxInt64, Currency: "EUR"},
		"a currency that is no text":        {CostMicros: 1, Currency: "E\x00\xff"},
		"a currency without end":            {CostMicros: 1, Currency: strings.Repeat("E", 1<<20)},
		"less than nothing":                 {Steps: -1, CostMicros: math.MinInt64},
		"a duration that is none":           {RemoteMS: math.MinInt64},
	} {
		t.Run("A job may have used "+name, func(t *testing.T) {
			t.Parallel()
			tries := 0
			b := newBench(t, &scripted{do: func(context.Context, executors.Request) (executors.Outcome, error) {
				outcome, _ := price()
				outcome.Usage = usage
				if tries++; tries == 1 {
					return outcome, failure.New(failure.Transient, "TASK_FAILED", "it failed")
				}
				return outcome, nil
			}}, nil)
			_, err := b.run()
			require.Equal(t, "transient", applicationError(t, err).Type())
			outcome, err := b.run()
			require.NoError(t, err)
			require.Equal(t, "completed", outcome.Status)
			j, sessions := b.stored()
			require.Equal(t, models.SessionFailed, sessions[1].Status)
			require.Equal(t, j.CostMicros, sessions[0].CostMicros+sessions[1].CostMicros)
			require.Equal(t, j.Steps, sessions[0].Steps+sessions[1].Steps)
			require.Equal(t, j.CostMicros, outcome.CostMicros)
		})
	}
}

// patience is a store that notes how long each write of an attempt may take.
type patience struct {
	*store.Store

	mu    sync.Mutex
	total time.Duration
	calls []string
}

func (p *patience) note(ctx context.Context, call string) {
	deadline, _ := ctx.Deadline()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.total += time.Until(deadline)
	p.calls = append(p.calls, call)
}

func (p *patience) KeepFiles(ctx context.Context, a *store.Attempt, files []models.SessionFile) error {
	p.note(ctx, "files")
	return p.Store.KeepFiles(ctx, a, files)
}

func (p *patience) CompleteAttempt(ctx context.Context, a *store.Attempt, s store.Success) error {
	p.note(ctx, "outcome")
	return p.Store.CompleteAttempt(ctx, a, s)
}

func (p *patience) ReleaseHost(ctx context.Context, job, token uuid.UUID) error {
	p.note(ctx, "host")
	return p.Store.ReleaseHost(ctx, job, token)
}

func TestAllThatIsWrittenAtTheEndFitsIntoTheMargin(t *testing.T) {
	t.Parallel()
	executor := &scripted{do: func(context.Context, executors.Request) (executors.Outcome, error) {
		outcome, _ := price()
		outcome.Files = []executors.File{{Kind: executors.KindScreenshot, ContentType: "image/png", Data: []byte("picture")}}
		return outcome, nil
	}}
	b := newBench(t, executor, nil)
	b.input.Site = "shop.example"
	project, err := b.store.Project(t.Context(), models.DefaultOrganisationID, projectOf(t, b))
	require.NoError(t, err)
	project.Politeness = &models.Politeness{MaxConcurrentPerHost: 1}
	require.NoError(t, b.store.UpdateProject(t.Context(), project, models.SecretEdit{}))
	records := &patience{Store: b.store}
	b.use(activities.New(activities.Config{}, records, executors.NewRegistry(executor), zap.NewNop()))
	_, err = b.run()
	require.NoError(t, err)
	require.Equal(t, []string{"files", "outcome", "host"}, records.calls)
	// The workflow leaves a minute beyond the job's own deadline.
	require.Less(t, records.total, time.Minute)
}

func TestSecretsInOtherForms(t *testing.T) {
	t.Parallel()
	run := func(t *testing.T, secrets fixedSecrets, outcome executors.Outcome) string {
		t.Helper()
		executor := &needy{scripted{do: func(context.Context, executors.Request) (executors.Outcome, error) { return outcome, nil }}}
		b := newBench(t, &executor.scripted, nil)
		b.use(activities.New(activities.Config{Secrets: secrets}, b.store, executors.NewRegistry(executor), zap.NewNop()))
		_, err := b.run()
		require.NoError(t, err)
		j, sessions := b.stored()
		seen, err := json.Marshal([]any{j, sessions})
		require.NoError(t, err)
		return string(seen)
	}

	t.Run("One that begins as another does is taken out whole", func(t *testing.T) {
		t.Parallel()
		for range 5 { // maps have no order
			secrets := fixedSecrets{"api_key": "canary"}
			for i := range 5 {
				secrets[fmt.Sprint("k", i)] = "canary" + strings.Repeat("-tail", i+1)
			}
			outcome := executors.Outcome{Fields: map[string]any{"sku": "canary" + strings.Repeat("-tail", 5)}}
			require.NotContains(t, run(t, secrets, outcome), "tail")
		}
	})

	t.Run("However the site has written it in JSON", func(t *testing.T) {
		t.Parallel()
		raw := []byte(`{"a":"kS\/9<\"tail","b":"\u006bS/9\u003c\"tail","kS/9<\"tail":1}`)
		seen := run(t, fixedSecrets{"api_key": `kS/9<"tail`}, executors.Outcome{Raw: raw})
		require.NotContains(t, seen, "tail")
	})

	t.Run("As a name within a value", func(t *testing.T) {
		t.Parallel()
		outcome := executors.Outcome{Fields: map[string]any{"tags": []any{map[string]any{"canary": 1}, map[string]string{"x-canary": "y"}}}}
		require.NotContains(t, run(t, fixedSecrets{"api_key": "canary"}, outcome), "canary")
	})

	t.Run("In what an attempt tells of its progress", func(t *testing.T) {
		t.Parallel()
		beaten := make(chan string, 1)
		executor := &needy{scripted{do: func(_ context.Context, req executors.Request) (executors.Outcome, error) {
			req.Heartbeat("logging in with " + req.Secrets["api_key"] + strings.Repeat(".", 10_000))
			beaten <- "" // once there is room, a beat has been heard
			return price()
		}}}
		b := newBench(t, &executor.scripted, nil)
		b.use(activities.New(activities.Config{Secrets: fixedSecrets{"api_key": "canary"}, HeartbeatInterval: time.Millisecond},
			b.store, executors.NewRegistry(executor), zap.NewNop()))
		heard := ""
		beaten <- ""
		b.env.SetOnActivityHeartbeatListener(func(_ *activity.Info, details converter.EncodedValues) {
			var beat struct {
				Progress string `json:"progress"`
			}
			if details.Get(&beat) == nil && beat.Progress != "" && heard == "" {
				heard = beat.Progress
				<-beaten
			}
		})
		_, err := b.run()
		require.NoError(t, err)
		require.Contains(t, heard, "[redacted]")
		require.NotContains(t, heard, "canary")
		require.LessOrEqual(t, len(heard), 2_000)
	})
}
