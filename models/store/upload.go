package store

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/minohq/mino/models"
)

// jobColumns are the columns that an upload fills; the rest have defaults.
var jobColumns = []string{
	"id", "organisation_id", "project_id", "batch_id", "row_number", "site_url", "input", "ground_truth",
}

// The bounds of one statement of an upload: beyond them, more rows save nothing and the
// memory that they take grows.
const (
	pieceRows  = 2000
	pieceBytes = 1 << 20
)

// insertJobs takes the place of COPY, which PostgreSQL has not under row-level security.
const insertJobs = `
	INSERT INTO jobs (id, organisation_id, project_id, batch_id, row_number, site_url, input, ground_truth)
	SELECT u.id, $1, $2, $3, u.row_number, u.site_url, u.input::jsonb, u.ground_truth::jsonb
	FROM unnest($4::uuid[], $5::integer[], $6::text[], $7::text[], $8::text[])
	     AS u (id, row_number, site_url, input, ground_truth)`

// jobPiece collects rows of an upload and writes them together.
type jobPiece struct {
	batch *models.Batch

	ids     []uuid.UUID
	rows    []int
	sites   []string
	inputs  []string
	truths  []*string // nil is NULL, rather than a JSON null
	size    int
	written int
}

func newJobPiece(b *models.Batch) *jobPiece { return &jobPiece{batch: b} }

// add takes a row, and writes the piece when that fills it.
func (p *jobPiece) add(ctx context.Context, tx bun.Tx, job *models.Job) error {
	input, err := json.Marshal(job.Input)
	if err != nil {
		return err
	}
	var truth *string
	if job.GroundTruth != nil {
		encoded, err := json.Marshal(job.GroundTruth)
		if err != nil {
			return err
		}
		truth = textOf(encoded)
		p.size += len(encoded)
	}
	// A copy: the site is a part of its line of the file, all of which it would keep.
	p.ids, p.rows, p.sites = append(p.ids, job.ID), append(p.rows, job.RowNumber), append(p.sites, strings.Clone(job.SiteURL))
	p.inputs, p.truths = append(p.inputs, string(input)), append(p.truths, truth)
	p.size += len(job.SiteURL) + len(input)
	if len(p.ids) < pieceRows && p.size < pieceBytes {
		return nil
	}
	return p.write(ctx, tx)
}

// write writes what was collected.
func (p *jobPiece) write(ctx context.Context, tx bun.Tx) error {
	if len(p.ids) == 0 {
		return nil
	}
	b := p.batch
	_, err := tx.Tx.ExecContext(ctx, insertJobs, b.OrganisationID, b.ProjectID, b.ID, p.ids, p.rows, p.sites, p.inputs, p.truths)
	if err != nil {
		return err
	}
	p.written += len(p.ids)
	clear(p.truths)
	p.ids, p.rows, p.sites, p.inputs, p.truths, p.size = p.ids[:0], p.rows[:0], p.sites[:0], p.inputs[:0], p.truths[:0], 0
	return nil
}
