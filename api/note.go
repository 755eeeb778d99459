package api

import (
	"context"
	"encoding/json"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/audit"
)

// noted is a value of an audit note that is made when the note is written: it shows what
// the transaction has filled in by then.
type noted func() any

// MarshalJSON implements json.Marshaler.
func (n noted) MarshalJSON() ([]byte, error) { return json.Marshal(n()) }

// note gives the note of a request, on which every handler of an audited operation writes
// what it is about. Secrets do not belong there.
func note(ctx context.Context) *audit.Note { return audit.From(ctx) }

// unnoted gives a context of which nothing is written down: for what a request does beside
// what it was asked for.
func unnoted(ctx context.Context) context.Context { return audit.With(ctx, nil) }

// The kinds of targets in the audit log.
const (
	targetProject      = "project"
	targetBatch        = "batch"
	targetExecution    = "execution"
	targetJob          = "job"
	targetOrganisation = "organisation"
	targetMember       = "member"
	targetKey          = "key"
	targetAudit        = "audit"
)

// maxNotedBytes bounds what is written down of the rows of one request, before and after
// each: an upload's worth of them would make the log unreadable.
const maxNotedBytes = 256 << 10

// notedRows is what is written down of the rows that a request changed.
type notedRows struct {
	Rows []json.RawMessage `json:"rows"`
	// Omitted is how many more there were than is written down.
	Omitted int `json:"omitted,omitempty"`

	size int
}

// add adds what people write of a row, if there is room for it.
func (r *notedRows) add(job *models.Job) {
	raw, err := json.Marshal(wire.Row{
		ID: job.ID, BatchID: job.BatchID, Row: job.RowNumber, SiteURL: job.SiteURL,
		Input: job.Input, GroundTruth: job.GroundTruth, Version: job.Version,
	})
	if err != nil || r.size+len(raw) > maxNotedBytes {
		r.Omitted++
		return
	}
	r.size += len(raw)
	r.Rows = append(r.Rows, raw)
}

// noteEdits gives what writes down rows that a request edits, as they come.
func noteEdits(ctx context.Context, targetType, targetID string) func(before, after *models.Job) {
	var were, are notedRows
	note(ctx).About(targetType, targetID).Changes(&were, &are)
	return func(before, after *models.Job) {
		were.add(before)
		are.add(after)
	}
}
