package activities

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.uber.org/zap"

	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/store"
)

// bounded gives the executor's context: it ends at the job's deadline, when the job is
// stopped, and when it goes to another attempt, and its cause says which.
func (r *jobRun) bounded(ctx context.Context) (bounded context.Context, end func()) {
	own, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	unhook := context.AfterFunc(ctx, func() {
		if temporal.IsCanceledError(context.Cause(ctx)) {
			cancel(executors.ErrStopped)
			return
		}
		// Temporal has given up on this attempt, or this worker is at its end.
		cancel(executors.ErrHandedBack)
	})
	bounded, done := context.WithTimeout(own, time.Duration(r.attempt.Snapshot.JobTimeoutMS)*time.Millisecond)
	quit := afterGrace(bounded, r.config.StopGrace, func() { cancel(executors.ErrHandedBack) })
	return bounded, func() {
		quit()
		unhook()
		done()
		cancel(nil)
	}
}

// remote is the run that an earlier attempt has left open. Its id may have come no
// further than to Temporal, when the database was away.
func (r *jobRun) remote(ctx context.Context) executors.RemoteRun {
	run := r.attempt.Remote
	if run == nil {
		return executors.RemoteRun{}
	}
	out := executors.RemoteRun{Reference: run.Reference, Age: run.Age, ID: run.RunID}
	if out.ID == "" && activity.HasHeartbeatDetails(ctx) {
		var last beat
		if activity.GetHeartbeatDetails(ctx, &last) == nil && last.Reference == run.Reference {
			out.ID = last.RemoteRunID
		}
	}
	return out
}

func (r *jobRun) announce(beat *heartbeat) func(context.Context, string) error {
	return func(ctx context.Context, reference string) error {
		// Before it is written: when the answer is lost, it may have been.
		r.hasRemote = true
		beat.remote(reference, "")
		return r.attempts.Announce(ctx, r.attempt, reference)
	}
}

func (r *jobRun) noteRun(beat *heartbeat) func(context.Context, string) error {
	return func(ctx context.Context, id string) error {
		beat.remote("", id)
		return r.attempts.Checkpoint(ctx, r.attempt, clean(id))
	}
}

// secrets opens what the executor needs.
func (r *jobRun) secrets(ctx context.Context, executor executors.Executor) (map[string]string, error) {
	s := r.attempt.Snapshot
	needs := executor.Needs(executors.Spec{Instruction: s.Instruction, Fields: s.Fields, Settings: s.Settings})
	if len(needs.Secrets) == 0 || r.config.Secrets == nil {
		return nil, nil
	}
	return r.config.Secrets.Open(ctx, r.attempt.OrganisationID, r.attempt.ProjectID, needs.Secrets)
}

// maxFile is the most bytes of a file that is kept; the schema says the same.
const maxFile = 4 << 20

// keepFiles stores what an attempt saw. A result is worth having without it.
func (r *jobRun) keepFiles(ctx context.Context, files []executors.File) {
	var kept []models.SessionFile
	for _, f := range files {
		if f.Kind != executors.KindScreenshot || len(f.Data) == 0 || len(f.Data) > maxFile {
			r.logger.Warn("a piece of evidence is not kept", zap.String("kind", f.Kind), zap.Int("bytes", len(f.Data)))
			continue
		}
		kept = append(kept, models.SessionFile{Kind: f.Kind, ContentType: clean(f.ContentType), Data: f.Data})
	}
	if len(kept) == 0 {
		return
	}
	err := r.persist(ctx, keepFilesFor, func(ctx context.Context) error { return r.attempts.KeepFiles(ctx, r.attempt, kept) })
	if err != nil {
		r.logger.Warn("evidence was not stored", zap.Error(err))
	}
}

// used is what an attempt used and saw, as the records take it: what it is said to have
// used must not keep its outcome from being written.
func (r *jobRun) used(o executors.Outcome) store.Used {
	usage := o.Usage.Bounded()
	return store.Used{
		Usage: encoded(usage), Evidence: encoded(o.Evidence), Steps: usage.Steps,
		CostMicros: usage.CostMicros, CostCurrency: usage.Currency,
		RemoteEnded: r.hasRemote && o.RemoteEnded,
	}
}
