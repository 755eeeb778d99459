package store

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/tenant"
)

// AcquireHost asks for the use of a host by a job; ReleaseHost gives it back. A job that
// asks again gives up what it had.
func (s *Store) AcquireHost(ctx context.Context, r models.HostRequest) (models.HostGrant, error) {
	ctx = tenant.With(ctx, r.OrganisationID)
	var (
		granted bool
		wait    float64
		most    *int
	)
	if r.Most > 0 {
		most = &r.Most
	}
	err := s.db.NewRaw(`
		SELECT granted, extract(epoch FROM wait)::double precision FROM host_acquire(
			?::uuid, ?::text, ?::uuid, ?::uuid, ?::integer,
			make_interval(secs => ?), make_interval(secs => ?), make_interval(secs => ?))`,
		r.OrganisationID, r.Host, r.JobID, r.Token, most, r.Every.Seconds(), r.Lease.Seconds(), r.Patience.Seconds()).
		Scan(ctx, &granted, &wait)
	return models.HostGrant{Granted: granted, Wait: time.Duration(wait * float64(time.Second))}, mapped(err)
}

// ReleaseHost gives a host back that this asker has; what a later attempt has stays.
func (s *Store) ReleaseHost(ctx context.Context, jobID, token uuid.UUID) error {
	ctx = tenant.AsSystem(ctx)
	_, err := s.db.NewRaw(`DELETE FROM host_leases WHERE job_id = ? AND token = ?`, jobID, token).Exec(ctx)
	return mapped(err)
}

// PolitenessOf returns the politeness of the project of an execution as it is now; nil is
// no limit.
func (s *Store) PolitenessOf(ctx context.Context, org, executionID uuid.UUID) (*models.Politeness, error) {
	ctx = tenant.With(ctx, org)
	p := new(models.Project)
	err := s.db.NewSelect().Model(p).Column("p.politeness").
		Where("p.organisation_id = ? AND p.id = (SELECT e.project_id FROM executions AS e WHERE e.id = ?)", org, executionID).Scan(ctx)
	if err != nil {
		return nil, found(err, models.ErrExecutionNotFound)
	}
	return p.Politeness, nil
}

// KeepFiles stores evidence of an attempt that is running, before its outcome is written;
// a file takes the place of one of its kind. It returns models.ErrStaleAttempt when the
// attempt runs no longer.
func (s *Store) KeepFiles(ctx context.Context, a *Attempt, files []models.SessionFile) error {
	ctx = tenant.With(ctx, a.OrganisationID)
	return s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		result, err := tx.NewSelect().Model((*models.Session)(nil)).Column("s.id").
			Where("s.organisation_id = ? AND s.id = ?", a.OrganisationID, a.SessionID).
			Where("s.status IS NOT DISTINCT FROM ?", models.SessionRunning).For("KEY SHARE").Exec(ctx)
		if err := affected(result, err, models.ErrStaleAttempt); err != nil {
			return err
		}
		for i := range files {
			files[i].SessionID, files[i].OrganisationID = a.SessionID, a.OrganisationID
			_, err := tx.NewInsert().Model(&files[i]).On("CONFLICT (session_id, kind) DO UPDATE").
				Set("content_type = EXCLUDED.content_type, data = EXCLUDED.data, created_at = now()").Exec(ctx)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// SessionFile returns a piece of evidence of a session, or models.ErrNotFound.
func (s *Store) SessionFile(ctx context.Context, org, sessionID uuid.UUID, kind string) (*models.SessionFile, error) {
	ctx = tenant.With(ctx, org)
	f := new(models.SessionFile)
	err := s.db.NewSelect().Model(f).
		Where("f.organisation_id = ? AND f.session_id = ? AND f.kind = ?", org, sessionID, kind).Scan(ctx)
	if err != nil {
		return nil, found(err, models.ErrNotFound)
	}
	return f, nil
}

// FilesOf lists the kinds of evidence that sessions have, by session.
func (s *Store) FilesOf(ctx context.Context, org uuid.UUID, sessions []uuid.UUID) (map[uuid.UUID][]string, error) {
	ctx = tenant.With(ctx, org)
	if len(sessions) == 0 {
		return nil, nil
	}
	var files []models.SessionFile
	err := s.db.NewSelect().Model(&files).Column("session_id", "kind").
		Where("f.organisation_id = ? AND f.session_id IN (?)", org, bun.List(sessions)).OrderExpr("f.kind").Scan(ctx)
	out := make(map[uuid.UUID][]string, len(files))
	for _, f := range files {
		out[f.SessionID] = append(out[f.SessionID], f.Kind)
	}
	return out, mapped(err)
}
