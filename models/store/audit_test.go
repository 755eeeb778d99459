package store_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/testfactory"
	"github.com/minohq/mino/internal/testkit"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/access"
	"github.com/minohq/mino/models/audit"
	"github.com/minohq/mino/models/store"
)

// noted is a note of an operation that nothing else has, for an organisation.
func noted(org uuid.UUID) *audit.Note {
	return &audit.Note{
		Principal: access.Principal{Kind: access.KindKey, ID: rand.Text(), Name: "CI", Organisation: org, Role: access.Owner},
		Operation: "operation-" + rand.Text(), RequestID: rand.Text(), IP: "192.0.2.1", UserAgent: "test",
	}
}

// entriesOf lists what was written of a note.
func entriesOf(t *testing.T, s *store.Store, note *audit.Note) []models.AuditEntry {
	t.Helper()
	list, err := s.ListAudit(t.Context(), note.Principal.Organisation, models.AuditFilter{Operation: note.Operation}, models.Page{Limit: 100})
	require.NoError(t, err)
	return list
}

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
		return &models.Membership{OrganisationID: org, Role: access.Viewer, User: &models.User{Issuer: issuer, Subject: ptr(rand.Text())}}
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

func TestAudit(t *testing.T) {
	t.Parallel()
	s := testkit.Store(t, testkit.Database(t))

	t.Run("SaysWhoWhatWhereAndWhatCameOfIt", func(t *testing.T) {
		t.Parallel()
		p := testfactory.Project(t, s, nil)
		before := *p
		note := noted(p.OrganisationID).About("project", p.ID.String()).Changes(&before, p)
		p.Name = "Renamed " + rand.Text()
		require.NoError(t, s.UpdateProject(audit.With(t.Context(), note), p, models.SecretEdit{}))
		entries := entriesOf(t, s, note)
		require.Len(t, entries, 1)
		got := entries[0]
		require.Equal(t, note.Principal.ID, got.ActorID)
		require.Equal(t, access.KindKey, got.ActorKind)
		require.Equal(t, "CI", got.ActorName)
		require.Equal(t, note.RequestID, got.RequestID)
		require.Equal(t, "192.0.2.1", *got.IP)
		require.Equal(t, "test", got.UserAgent)
		require.Equal(t, "project", got.TargetType)
		require.Equal(t, p.ID.String(), got.TargetID)
		require.WithinDuration(t, time.Now(), got.CreatedAt, time.Minute)
		was, is := new(models.Project), new(models.Project)
		require.NoError(t, json.Unmarshal(got.Before, was))
		require.NoError(t, json.Unmarshal(got.After, is))
		require.EqualValues(t, 1, was.Version)
		require.EqualValues(t, 2, is.Version, "what the database filled in")
		require.Equal(t, p.Name, is.Name)
	})

	t.Run("RollsBackWhatCannotBeWrittenDown", func(t *testing.T) {
		t.Parallel()
		p := testfactory.Project(t, s, nil)
		note := noted(p.OrganisationID).Changes(nil, func() {})
		require.Error(t, s.UpdateProject(audit.With(t.Context(), note), p, models.SecretEdit{}))
		got, err := s.Project(t.Context(), p.OrganisationID, p.ID)
		require.NoError(t, err)
		require.EqualValues(t, 1, got.Version)

		t.Log("an operator's change is of the organisation that is changed, or it is none")
		o := &models.Organisation{ID: models.NewID(), Slug: strings.ToLower(rand.Text()), Name: "New"}
		note = noted(uuid.Nil)
		require.Error(t, s.CreateOrganisation(audit.With(t.Context(), note), o))
		_, err = s.Organisation(t.Context(), o.ID)
		require.ErrorIs(t, err, models.ErrOrganisationNotFound)
		note.Principal = access.Principal{Kind: access.KindOperator, Organisation: o.ID}
		require.NoError(t, s.CreateOrganisation(audit.With(t.Context(), note), o))
		entries := entriesOf(t, s, note)
		require.Len(t, entries, 1)
		require.Equal(t, o.ID, entries[0].OrganisationID)
		require.Equal(t, access.KindOperator, entries[0].ActorKind)
	})

	t.Run("KeepsWhatPostgreSQLWouldRefuseOfAClient", func(t *testing.T) {
		t.Parallel()
		note := noted(models.DefaultOrganisationID)
		note.UserAgent = "a\x00b\xffc" + strings.Repeat("é", 2000)
		note.IP = "nowhere"
		require.NoError(t, s.Audit(t.Context(), models.DefaultOrganisationID, note, audit.Failed))
		entries := entriesOf(t, s, note)
		require.Len(t, entries, 1)
		require.Equal(t, audit.Failed, entries[0].Outcome)
		require.Nil(t, entries[0].IP)
		require.True(t, strings.HasPrefix(entries[0].UserAgent, "ab\uFFFDcéé"), entries[0].UserAgent)
		require.LessOrEqual(t, len(entries[0].UserAgent), 500)
	})

	t.Run("IsListedAndCountedByWhatIsAskedFor", func(t *testing.T) {
		t.Parallel()
		o := testfactory.Organisation(t, s, nil)
		start := time.Now()
		notes := make([]*audit.Note, 4)
		for i := range notes {
			notes[i] = noted(o.ID).About([]string{"key", "member"}[i%2], rand.Text())
			require.NoError(t, s.Audit(t.Context(), o.ID, notes[i], audit.Requested))
		}
		for name, f := range map[string]struct {
			filter models.AuditFilter
			want   []*audit.Note
		}{
			"Nothing":   {models.AuditFilter{}, []*audit.Note{notes[3], notes[2], notes[1], notes[0]}},
			"Actor":     {models.AuditFilter{ActorID: notes[2].Principal.ID}, []*audit.Note{notes[2]}},
			"Operation": {models.AuditFilter{Operation: notes[1].Operation}, []*audit.Note{notes[1]}},
			"Type":      {models.AuditFilter{TargetType: "key"}, []*audit.Note{notes[2], notes[0]}},
			"Target":    {models.AuditFilter{TargetType: "key", TargetID: notes[0].TargetID}, []*audit.Note{notes[0]}},
			"Neither":   {models.AuditFilter{TargetType: "key", TargetID: notes[1].TargetID}, nil},
			"From":      {models.AuditFilter{From: start.Add(-time.Hour)}, []*audit.Note{notes[3], notes[2], notes[1], notes[0]}},
			"To":        {models.AuditFilter{To: start.Add(-time.Hour)}, nil},
		} {
			list, err := s.ListAudit(t.Context(), o.ID, f.filter, models.Page{Limit: 10})
			require.NoError(t, err, name)
			require.Len(t, list, len(f.want), name)
			for i := range list {
				require.Equal(t, f.want[i].Operation, list[i].Operation, name)
			}
			n, err := s.CountAudit(t.Context(), o.ID, f.filter)
			require.NoError(t, err, name)
			require.EqualValues(t, len(f.want), n, name)
			var exported []string
			require.NoError(t, s.ExportAudit(t.Context(), o.ID, f.filter, func(e *models.AuditEntry) error {
				exported = append([]string{e.Operation}, exported...)
				return nil
			}), name)
			require.Len(t, exported, len(f.want), name)
			for i := range exported {
				require.Equal(t, f.want[i].Operation, exported[i], name)
			}
		}
		first, err := s.ListAudit(t.Context(), o.ID, models.AuditFilter{}, models.Page{Limit: 3})
		require.NoError(t, err)
		rest, err := s.ListAudit(t.Context(), o.ID, models.AuditFilter{}, models.Page{Limit: 3, After: first[2].ID})
		require.NoError(t, err)
		require.Len(t, rest, 1)
		require.Equal(t, notes[0].Operation, rest[0].Operation)
	})

	t.Run("IsExportedWholeAndAsItIsListed", func(t *testing.T) {
		t.Parallel()
		o := testfactory.Organisation(t, s, nil)
		note := noted(o.ID).About("organisation", o.ID.String()).Changes(nil, o)
		require.NoError(t, s.RenameOrganisation(audit.With(t.Context(), note), o))
		bare := &audit.Note{Principal: access.Principal{Kind: access.KindAnonymous, Organisation: o.ID}, Operation: "bare"}
		require.NoError(t, s.Audit(t.Context(), o.ID, bare, audit.Failed))
		listed, err := s.ListAudit(t.Context(), o.ID, models.AuditFilter{}, models.Page{Limit: 10})
		require.NoError(t, err)
		var exported []models.AuditEntry
		require.NoError(t, s.ExportAudit(t.Context(), o.ID, models.AuditFilter{}, func(e *models.AuditEntry) error {
			exported = append([]models.AuditEntry{*e}, exported...)
			return nil
		}))
		require.Len(t, exported, 2)
		for i := range exported {
			require.True(t, listed[i].CreatedAt.Equal(exported[i].CreatedAt))
			exported[i].CreatedAt = listed[i].CreatedAt
		}
		require.Equal(t, listed, exported)

		enough := errors.New("enough")
		calls := 0
		err = s.ExportAudit(t.Context(), o.ID, models.AuditFilter{}, func(*models.AuditEntry) error {
			calls++
			return enough
		})
		require.Equal(t, enough, err)
		require.Equal(t, 1, calls)
	})
}
