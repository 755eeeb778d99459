package store_test

import (
	"context"
	"crypto/rand"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/testfactory"
	"github.com/minohq/mino/internal/testkit"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/access"
	"github.com/minohq/mino/models/audit"
)

// Whatever an operation of the API writes is written down, in the transaction that writes
// it; what was refused is not.
func TestWritesAreWrittenDown(t *testing.T) {
	t.Parallel()
	s := testkit.Store(t, testkit.Database(t))
	org := models.DefaultOrganisationID
	firstJob := func(t *testing.T, b *models.Batch) *models.Job {
		t.Helper()
		jobs, err := s.ListJobs(t.Context(), org, models.JobFilter{BatchID: b.ID}, models.JobPage{Limit: 1})
		require.NoError(t, err)
		return &jobs[0]
	}
	next := func() *models.APIKey {
		return &models.APIKey{ID: models.NewID(), Hash: make([]byte, 32), HashKeyID: "new", CreatedBy: "user x"}
	}
	member := func() *models.Membership {
		return &models.Membership{OrganisationID: org, Role: access.Viewer, User: &models.User{Issuer: issuer, Subject: new(rand.Text())}}
	}

	// Each gives a write that is made, and one that is refused or finds nothing to do.
	for name, writes := range map[string]func(t *testing.T) (done, not func(context.Context) error){
		"CreateProject": func(t *testing.T) (done, not func(context.Context) error) {
			p := testfactory.Project(t, s, nil)
			fresh, taken := *p, *p
			fresh.ID, fresh.Name, taken.ID = models.NewID(), "Project "+rand.Text(), models.NewID()
			return func(ctx context.Context) error { return s.CreateProject(ctx, &fresh) },
				func(ctx context.Context) error { return s.CreateProject(ctx, &taken) }
		},
		"UpdateProject": func(t *testing.T) (done, not func(context.Context) error) {
			p := testfactory.Project(t, s, nil)
			stale := *p
			return func(ctx context.Context) error { return s.UpdateProject(ctx, p, models.SecretEdit{}) },
				func(ctx context.Context) error { return s.UpdateProject(ctx, &stale, models.SecretEdit{}) }
		},
		"DeleteProject": func(t *testing.T) (done, not func(context.Context) error) {
			p := testfactory.Project(t, s, nil)
			remove := func(ctx context.Context) error { return s.DeleteProject(ctx, org, p.ID, false, nil) }
			return remove, remove
		},
		"CreateBatch": func(t *testing.T) (done, not func(context.Context) error) {
			p := testfactory.Project(t, s, nil)
			b := &models.Batch{ID: models.NewID(), OrganisationID: org, ProjectID: p.ID, Name: "rows", Columns: []models.Column{}}
			create := func(ctx context.Context) error { return s.CreateBatch(ctx, b, testfactory.Jobs(2, nil)) }
			return create, create
		},
		"RenameBatch": func(t *testing.T) (done, not func(context.Context) error) {
			b := testfactory.Batch(t, s, testfactory.Project(t, s, nil), 1, nil)
			stale := *b
			return func(ctx context.Context) error { return s.RenameBatch(ctx, b) },
				func(ctx context.Context) error { return s.RenameBatch(ctx, &stale) }
		},
		"DeleteBatch": func(t *testing.T) (done, not func(context.Context) error) {
			b := testfactory.Batch(t, s, testfactory.Project(t, s, nil), 1, nil)
			remove := func(ctx context.Context) error { return s.DeleteBatch(ctx, org, b.ID, false, nil) }
			return remove, remove
		},
		"EditJobs": func(t *testing.T) (done, not func(context.Context) error) {
			j := firstJob(t, testfactory.Batch(t, s, testfactory.Project(t, s, nil), 1, nil))
			site := "https://other.example"
			edit := func(ctx context.Context) error {
				_, err := s.EditJobs(ctx, org, []models.JobEdit{{ID: j.ID, SiteURL: &site}}, false)
				return err
			}
			return edit, edit
		},
		"DeleteJobs": func(t *testing.T) (done, not func(context.Context) error) {
			j := firstJob(t, testfactory.Batch(t, s, testfactory.Project(t, s, nil), 1, nil))
			remove := func(ctx context.Context) error {
				_, err := s.DeleteJobs(ctx, org, []uuid.UUID{j.ID}, nil)
				return err
			}
			return remove, remove
		},
		"CreateExecution": func(t *testing.T) (done, not func(context.Context) error) {
			p := testfactory.Project(t, s, nil)
			b := testfactory.Batch(t, s, p, 1, nil)
			execute := func(ctx context.Context) error { return s.CreateExecution(ctx, testfactory.NewExecution(p, b)) }
			return execute, execute
		},
		"Rerun": func(t *testing.T) (done, not func(context.Context) error) {
			p := testfactory.Project(t, s, nil)
			b := testfactory.Batch(t, s, p, 1, nil)
			again := func(ctx context.Context) error {
				return s.Rerun(ctx, []*models.Execution{testfactory.NewExecution(p, b)}, make([]error, 1), nil)
			}
			return again, again
		},
		"CreateTry": func(t *testing.T) (done, not func(context.Context) error) {
			p := testfactory.Project(t, s, nil)
			b := &models.Batch{ID: models.NewID(), OrganisationID: org, ProjectID: p.ID, Name: "try", Columns: []models.Column{}}
			try := func(ctx context.Context) error {
				j := &models.Job{ID: models.NewID(), SiteURL: "https://shop.example", Input: map[string]string{}}
				e := testfactory.NewExecution(p, b)
				e.Type = models.ExecutionTry
				return s.CreateTry(ctx, b, j, e, nil)
			}
			return try, try
		},
		"CreateAPIKey": func(t *testing.T) (done, not func(context.Context) error) {
			k := testfactory.APIKey(t, s, nil)
			fresh, taken := *k, *k
			fresh.ID = models.NewID()
			return func(ctx context.Context) error { return s.CreateAPIKey(ctx, &fresh) },
				func(ctx context.Context) error { return s.CreateAPIKey(ctx, &taken) }
		},
		"RotateAPIKey": func(t *testing.T) (done, not func(context.Context) error) {
			k := testfactory.APIKey(t, s, nil)
			rotate := func(ctx context.Context) error { return s.RotateAPIKey(ctx, org, k.ID, next(), time.Now()) }
			return rotate, rotate
		},
		"RevokeAPIKey": func(t *testing.T) (done, not func(context.Context) error) {
			k := testfactory.APIKey(t, s, nil)
			revoke := func(ctx context.Context) error {
				_, err := s.RevokeAPIKey(ctx, org, k.ID)
				return err
			}
			return revoke, revoke
		},
		"AddMember": func(*testing.T) (done, not func(context.Context) error) {
			m := member()
			add := func(ctx context.Context) error { return s.AddMember(ctx, m) }
			return add, add
		},
		"ChangeMember": func(t *testing.T) (done, not func(context.Context) error) {
			m, nobody := member(), member()
			require.NoError(t, s.AddMember(t.Context(), m))
			return func(ctx context.Context) error { return s.ChangeMember(ctx, m) },
				func(ctx context.Context) error { return s.ChangeMember(ctx, nobody) }
		},
		"RemoveMember": func(t *testing.T) (done, not func(context.Context) error) {
			m := member()
			require.NoError(t, s.AddMember(t.Context(), m))
			remove := func(ctx context.Context) error { return s.RemoveMember(ctx, org, m.UserID) }
			return remove, remove
		},
		"RenameOrganisation": func(t *testing.T) (done, not func(context.Context) error) {
			o, err := s.Organisation(t.Context(), org)
			require.NoError(t, err)
			stale := *o
			return func(ctx context.Context) error { return s.RenameOrganisation(ctx, o) },
				func(ctx context.Context) error { return s.RenameOrganisation(ctx, &stale) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			done, not := writes(t)
			note := noted(org)
			require.NoError(t, done(audit.With(t.Context(), note)))
			entries := entriesOf(t, s, note)
			require.Len(t, entries, 1)
			require.Equal(t, audit.Done, entries[0].Outcome)

			note = noted(org)
			_ = not(audit.With(t.Context(), note)) // some of them find nothing to do, which is no error
			require.Empty(t, entriesOf(t, s, note))
		})
	}
}
