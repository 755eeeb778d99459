package store_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/minohq/mino/internal/testfactory"
	"github.com/minohq/mino/internal/testkit"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/access"
	"github.com/minohq/mino/models/audit"
	"github.com/minohq/mino/models/failure"
	"github.com/minohq/mino/models/store"
)

// ofTheSystem are the methods that are asked for nobody in particular, and why that is: what
// they are given says whose it is, and only MINO itself knows it.
var ofTheSystem = map[string]string{
	"Ping":                "it reads no rows",
	"ExecutionByID":       "a workflow knows no more than the id that it was started with",
	"ProjectByID":         "as ExecutionByID",
	"BatchByID":           "as ExecutionByID",
	"ExecutionOfWorkflow": "as ExecutionByID",
	"SequenceEvents":      "as ExecutionByID",
	"ReleaseHost":         "a worker gives back what it has, by a token that nobody else knows",
	"UnstartedExecutions": "a sweep",
	"ActiveExecutions":    "a sweep",
	"OrphanedRuns":        "a sweep",
	"SettleRun":           "a sweep",
	"SecretsNotOf":        "a sweep, for a change of keys",
	"Reseal":              "a sweep, for a change of keys",
	"ForgetKeys":          "a sweep",
	"ForgetTickets":       "a sweep",
	"APIKeyByID":          "whoever shows a key says by it whose it is",
	"UseAPIKey":           "as APIKeyByID",
	"TakeTicket":          "whoever has a ticket says by it whose it is",
	"Login":               "a token says who somebody is",
	"MembershipsOf":       "of a person, who may be in several",
	"Organisations":       "an operator's",
	"OrganisationBySlug":  "an operator's, and who asks for one is looked for in it",
	"CreateOrganisation":  "an operator's",
	"UpdateOrganisation":  "an operator's",
}

// intruder asks as an organisation for what is another's.
type intruder struct {
	*store.Store

	ctx    context.Context //nolint:containedctx // of one test
	org    uuid.UUID
	own    *world
	theirs *world
}

// attempt is theirs, claimed to be ours.
func (i *intruder) attempt() *store.Attempt {
	a := *i.theirs.attempt
	a.OrganisationID = i.org
	return &a
}

// intrusions has every other method of the store asked, as an organisation, for what is of
// another. Each gives what it answered.
var intrusions = map[string]func(i *intruder) (any, error){
	// Projects.
	"Project":       func(i *intruder) (any, error) { return i.Project(i.ctx, i.org, i.theirs.project.ID) },
	"ListProjects":  func(i *intruder) (any, error) { return i.ListProjects(i.ctx, i.org, models.ProjectFilter{}, page) },
	"CountProjects": func(i *intruder) (any, error) { return ours(i.CountProjects(i.ctx, i.org, models.ProjectFilter{})) },
	"CreateProject": func(i *intruder) (any, error) {
		p := *i.theirs.project
		p.OrganisationID, p.Name = i.org, rand.Text()
		return nil, i.CreateProject(i.ctx, &p)
	},
	"CreateProjectOnce": func(i *intruder) (any, error) {
		p := *i.theirs.project
		p.OrganisationID, p.Name = i.org, rand.Text()
		return nil, i.CreateProjectOnce(i.ctx, &p, models.SecretEdit{Put: []models.Secret{i.theirs.secret}}, i.theirs.once)
	},
	"UpdateProject": func(i *intruder) (any, error) {
		p := *i.theirs.project
		p.OrganisationID, p.Name = i.org, rand.Text()
		return nil, i.UpdateProject(i.ctx, &p, models.SecretEdit{Drop: []string{i.theirs.secret.Name}})
	},
	"DeleteProject": func(i *intruder) (any, error) {
		return nil, i.DeleteProject(i.ctx, i.org, i.theirs.project.ID, true, nil)
	},
	"Secrets": func(i *intruder) (any, error) { return i.Secrets(i.ctx, i.org, i.theirs.project.ID, []string{"token"}) },
	"KeptAnswer": func(i *intruder) (any, error) {
		answer, _, err := i.KeptAnswer(i.ctx, i.org, i.theirs.once.Key)
		return answer, err
	},
	"ProjectMetrics": func(i *intruder) (any, error) {
		return i.ProjectMetrics(i.ctx, i.org, i.theirs.project.ID, models.MetricsQuery{})
	},

	// Batches and jobs.
	"Batch": func(i *intruder) (any, error) { return i.Batch(i.ctx, i.org, i.theirs.batch.ID) },
	"ListBatches": func(i *intruder) (any, error) {
		return i.ListBatches(i.ctx, i.org, models.BatchFilter{ProjectID: i.theirs.project.ID}, page)
	},
	"CountBatches": func(i *intruder) (any, error) {
		return none(i.CountBatches(i.ctx, i.org, models.BatchFilter{ProjectID: i.theirs.project.ID}))
	},
	"CreateBatch": func(i *intruder) (any, error) {
		b := models.Batch{ID: models.NewID(), OrganisationID: i.org, ProjectID: i.theirs.project.ID, Name: "x", Columns: []models.Column{}}
		return nil, i.CreateBatch(i.ctx, &b, testfactory.Jobs(1, nil))
	},
	"CreateBatchOnce": func(i *intruder) (any, error) {
		b := *i.theirs.batch
		b.OrganisationID = i.org
		return nil, i.CreateBatchOnce(i.ctx, &b, testfactory.Jobs(1, nil), nil)
	},
	"RenameBatch": func(i *intruder) (any, error) {
		b := *i.theirs.batch
		b.OrganisationID, b.Name = i.org, rand.Text()
		return nil, i.RenameBatch(i.ctx, &b)
	},
	"DeleteBatch": func(i *intruder) (any, error) { return nil, i.DeleteBatch(i.ctx, i.org, i.theirs.batch.ID, true, nil) },
	"Job":         func(i *intruder) (any, error) { return i.Job(i.ctx, i.org, i.theirs.done.JobID) },
	"ListJobs": func(i *intruder) (any, error) {
		return i.ListJobs(i.ctx, i.org, models.JobFilter{BatchID: i.theirs.batch.ID}, models.JobPage{Limit: 9})
	},
	"CountJobs": func(i *intruder) (any, error) {
		return none(i.CountJobs(i.ctx, i.org, models.JobFilter{BatchID: i.theirs.batch.ID}))
	},
	"JobPlaces":  func(i *intruder) (any, error) { return i.JobPlaces(i.ctx, i.org, []uuid.UUID{i.theirs.done.JobID}) },
	"JobsOfRows": func(i *intruder) (any, error) { return i.JobsOfRows(i.ctx, i.org, i.theirs.batch.ID, []int{1, 2}) },
	"EditJobs": func(i *intruder) (any, error) {
		return i.EditJobs(i.ctx, i.org, []models.JobEdit{{ID: i.theirs.done.JobID, SiteURL: ptr("https://x.example")}}, false)
	},
	"DeleteJobs": func(i *intruder) (any, error) {
		refused, err := i.DeleteJobs(i.ctx, i.org, []uuid.UUID{i.theirs.done.JobID}, nil)
		return nil, errors.Join(err, refused[i.theirs.done.JobID])
	},
	"ExportJobs": func(i *intruder) (any, error) {
		var all []any
		err := i.ExportJobs(i.ctx, i.org, models.JobFilter{BatchID: i.theirs.batch.ID},
			func(head *models.ExportHead) (models.JobParts, error) {
				all = append(all, *head)
				return models.JobParts{}, nil
			},
			func(j *models.ExportedJob) error { all = append(all, *j); return nil })
		return all, err
	},

	// Executions.
	"Execution": func(i *intruder) (any, error) { return i.Execution(i.ctx, i.org, i.theirs.execution.ID) },
	"ListExecutions": func(i *intruder) (any, error) {
		return i.ListExecutions(i.ctx, i.org, models.ExecutionFilter{BatchID: i.theirs.batch.ID}, page)
	},
	"CountExecutions": func(i *intruder) (any, error) {
		return none(i.CountExecutions(i.ctx, i.org, models.ExecutionFilter{ProjectID: i.theirs.project.ID}))
	},
	"CreateExecution": func(i *intruder) (any, error) {
		e := testfactory.NewExecution(i.theirs.project, i.theirs.batch)
		e.OrganisationID = i.org
		return nil, i.CreateExecution(i.ctx, e)
	},
	"CreateExecutionOnce": func(i *intruder) (any, error) {
		e := testfactory.NewExecution(i.theirs.project, i.theirs.batch)
		e.ID, e.OrganisationID = i.theirs.execution.ID, i.org
		return nil, i.CreateExecutionOnce(i.ctx, e, i.theirs.once)
	},
	"Rerun": func(i *intruder) (any, error) {
		e := testfactory.NewExecution(i.theirs.project, i.theirs.batch)
		e.OrganisationID, e.Selection = i.org, &models.JobSelection{IDs: []uuid.UUID{i.theirs.done.JobID}}
		refused := make([]error, 1)
		err := i.Rerun(i.ctx, []*models.Execution{e}, refused, nil)
		return nil, errors.Join(err, refused[0])
	},
	"CreateTry": func(i *intruder) (any, error) {
		p := *i.theirs.project
		p.OrganisationID = i.org
		b, j, e := newTry(&p)
		return nil, i.CreateTry(i.ctx, b, j, e, nil)
	},
	"BeginExecution": func(i *intruder) (any, error) {
		return i.BeginExecution(i.ctx, i.org, i.theirs.execution.ID, rand.Text())
	},
	"RecordState": func(i *intruder) (any, error) {
		return nil, i.RecordState(i.ctx, i.org, i.theirs.execution.ID, models.ExecutionPaused, 1, "x")
	},
	"FinishExecution": func(i *intruder) (any, error) {
		return i.FinishExecution(i.ctx, i.org, i.theirs.execution.ID, models.ExecutionStopped, "x")
	},
	"Tally":      func(i *intruder) (any, error) { return i.Tally(i.ctx, i.org, i.theirs.execution.ID) },
	"ListEvents": func(i *intruder) (any, error) { return i.ListEvents(i.ctx, i.org, i.theirs.execution.ID, 0, 9) },
	"QueuedJobs": func(i *intruder) (any, error) {
		return i.QueuedJobs(i.ctx, i.org, i.theirs.execution.ID, models.QueuePage{Limit: 9, Running: true})
	},
	"PolitenessOf": func(i *intruder) (any, error) { return i.PolitenessOf(i.ctx, i.org, i.theirs.execution.ID) },
	"ExecutionMetrics": func(i *intruder) (any, error) {
		return i.ExecutionMetrics(i.ctx, i.org, i.theirs.execution.ID, 5, func(time.Time, time.Time) (models.MetricsBucket, error) { return "day", nil })
	},
	"CheckConcurrency": func(i *intruder) (any, error) { return nil, i.CheckConcurrency(i.ctx, i.org, i.theirs.execution.ID, 1) },

	// Attempts and sessions.
	"BeginAttempt": func(i *intruder) (any, error) {
		a, j, err := i.BeginAttempt(i.ctx, i.org, i.theirs.execution.ID, i.theirs.attempt.JobID, "x")
		return []any{a, j}, err
	},
	"ResumeAttempt": func(i *intruder) (any, error) {
		a, j, err := i.ResumeAttempt(i.ctx, i.org, i.theirs.attempt.SessionID)
		return []any{a, j}, err
	},
	"CompleteAttempt": func(i *intruder) (any, error) { return nil, i.CompleteAttempt(i.ctx, i.attempt(), success(true)) },
	"FailAttempt": func(i *intruder) (any, error) {
		return nil, i.FailAttempt(i.ctx, i.attempt(), store.Failure{Class: failure.Transient, Code: "X", Retry: true})
	},
	"CancelAttempt": func(i *intruder) (any, error) { return nil, i.CancelAttempt(i.ctx, i.attempt(), store.Used{}) },
	"PutBack":       func(i *intruder) (any, error) { return nil, i.PutBack(i.ctx, i.attempt(), store.Failure{Code: "X"}) },
	"RecordLost": func(i *intruder) (any, error) {
		return i.RecordLost(i.ctx, i.org, i.theirs.execution.ID, i.theirs.attempt.JobID, models.JobFailed, store.Failure{Code: "X"})
	},
	"Announce":   func(i *intruder) (any, error) { return nil, i.Announce(i.ctx, i.attempt(), "mino-"+rand.Text()) },
	"Checkpoint": func(i *intruder) (any, error) { return nil, i.Checkpoint(i.ctx, i.attempt(), rand.Text()) },
	"KeepFiles": func(i *intruder) (any, error) {
		return nil, i.KeepFiles(i.ctx, i.attempt(), []models.SessionFile{{Kind: "screenshot", ContentType: "image/png", Data: []byte("x")}})
	},
	"Session":     func(i *intruder) (any, error) { return i.Session(i.ctx, i.org, i.theirs.attempt.SessionID) },
	"JobSessions": func(i *intruder) (any, error) { return i.JobSessions(i.ctx, i.org, i.theirs.done.JobID) },
	"ListSessions": func(i *intruder) (any, error) {
		return i.ListSessions(i.ctx, i.org, models.SessionFilter{ExecutionID: i.theirs.execution.ID}, page)
	},
	"CountSessions": func(i *intruder) (any, error) {
		return none(i.CountSessions(i.ctx, i.org, models.SessionFilter{ExecutionID: i.theirs.execution.ID}))
	},
	"SessionFile": func(i *intruder) (any, error) {
		return i.SessionFile(i.ctx, i.org, i.theirs.attempt.SessionID, "screenshot")
	},
	"FilesOf": func(i *intruder) (any, error) {
		return i.FilesOf(i.ctx, i.org, []uuid.UUID{i.theirs.attempt.SessionID})
	},
	"ExportSessions": func(i *intruder) (any, error) {
		var all []any
		err := i.ExportSessions(i.ctx, i.org, models.SessionFilter{ExecutionID: i.theirs.execution.ID},
			func(head *models.ExportHead) (models.SessionParts, error) {
				all = append(all, *head)
				return models.SessionParts{}, nil
			},
			func(r *models.ExportedSession) error { all = append(all, *r); return nil })
		return all, err
	},
	"AcquireHost": func(i *intruder) (any, error) {
		r := i.theirs.host
		r.OrganisationID, r.JobID = i.org, models.NewID()
		grant, err := i.AcquireHost(i.ctx, r)
		if err == nil && !grant.Granted {
			err = errors.New("the host is held for another organisation")
		}
		return nil, err
	},

	// The organisation, who is in it, and its keys.
	"Organisation": func(i *intruder) (any, error) { return i.Organisation(i.ctx, i.org) },
	"RenameOrganisation": func(i *intruder) (any, error) {
		o, err := i.Organisation(i.ctx, i.org)
		return nil, errors.Join(err, i.RenameOrganisation(i.ctx, o))
	},
	"Usage": func(i *intruder) (any, error) {
		used, err := i.Usage(i.ctx, i.org)
		if used != (models.Usage{RunningExecutions: 1, ConcurrentJobs: 10, JobsToday: 3}) {
			err = errors.New("it counts what is another's")
		}
		return nil, err
	},
	"ListMembers":  func(i *intruder) (any, error) { return i.ListMembers(i.ctx, i.org, page) },
	"CountMembers": func(i *intruder) (any, error) { return ours(i.CountMembers(i.ctx, i.org)) },
	"Member":       func(i *intruder) (any, error) { return i.Member(i.ctx, i.org, i.theirs.owner.UserID) },
	"AddMember": func(i *intruder) (any, error) {
		m := &models.Membership{OrganisationID: i.org, Role: access.Viewer, User: &models.User{Issuer: issuer, Subject: ptr(rand.Text())}}
		return nil, i.AddMember(i.ctx, m)
	},
	"ChangeMember": func(i *intruder) (any, error) {
		m := *i.theirs.owner
		m.OrganisationID, m.Role = i.org, access.Viewer
		return nil, i.ChangeMember(i.ctx, &m)
	},
	"RemoveMember": func(i *intruder) (any, error) { return nil, i.RemoveMember(i.ctx, i.org, i.theirs.owner.UserID) },
	"CreateAPIKey": func(i *intruder) (any, error) {
		k := *i.theirs.apiKey
		k.ID, k.OrganisationID, k.Replaces = models.NewID(), i.org, &i.theirs.apiKey.ID
		return nil, i.CreateAPIKey(i.ctx, &k)
	},
	"APIKey":       func(i *intruder) (any, error) { return i.APIKey(i.ctx, i.org, i.theirs.apiKey.ID) },
	"ListAPIKeys":  func(i *intruder) (any, error) { return i.ListAPIKeys(i.ctx, i.org, page) },
	"CountAPIKeys": func(i *intruder) (any, error) { _, err := i.CountAPIKeys(i.ctx, i.org); return nil, err },
	"RotateAPIKey": func(i *intruder) (any, error) {
		next := &models.APIKey{ID: models.NewID(), Hash: make([]byte, 32), HashKeyID: "x", CreatedBy: "x"}
		return nil, i.RotateAPIKey(i.ctx, i.org, i.theirs.apiKey.ID, next, time.Now())
	},
	"RevokeAPIKey": func(i *intruder) (any, error) { return i.RevokeAPIKey(i.ctx, i.org, i.theirs.apiKey.ID) },
	"CreateTicket": func(i *intruder) (any, error) {
		t := *i.own.ticket
		t.Hash = hashOf(rand.Text())
		return nil, i.CreateTicket(i.ctx, &t)
	},
	"Audit": func(i *intruder) (any, error) {
		return nil, i.Audit(i.ctx, i.org, noted(i.theirs.org.ID), audit.Failed)
	},
	"ListAudit": func(i *intruder) (any, error) { return i.ListAudit(i.ctx, i.org, models.AuditFilter{}, page) },
	"CountAudit": func(i *intruder) (any, error) {
		return none(i.CountAudit(i.ctx, i.org, models.AuditFilter{ActorID: i.theirs.mark}))
	},
	"ExportAudit": func(i *intruder) (any, error) {
		var all []models.AuditEntry
		err := i.ExportAudit(i.ctx, i.org, models.AuditFilter{}, func(e *models.AuditEntry) error { all = append(all, *e); return nil })
		return all, err
	},
}

var page = models.Page{Limit: 100}

// none requires that a count is of nothing, and ours that it is of the one that is ours.
func none(n int64, err error) (any, error) { return counted(n, err, 0) }
func ours(n int64, err error) (any, error) { return counted(n, err, 1) }

func counted(n int64, err error, want int64) (any, error) {
	if err == nil && n != want {
		err = errors.New("it counts what is another's")
	}
	return n, err
}

// Nothing of the store gives an organisation what is another's, or changes it: not with
// row-level security beneath, and not without. A method that is not in one of the two tables
// above fails the test.
func TestNoMethodReachesAnotherOrganisation(t *testing.T) {
	t.Parallel()
	methods := reflect.TypeFor[*store.Store]()
	for i := range methods.NumMethod() {
		name := methods.Method(i).Name
		_, asked := intrusions[name]
		_, system := ofTheSystem[name]
		require.True(t, asked != system, "%s is in both tables, or in neither", name)
	}
	require.Equal(t, methods.NumMethod(), len(intrusions)+len(ofTheSystem), "a table has a method that there is not")

	for name, prepare := range map[string]func(t *testing.T, owner *bun.DB){
		"UnderRowLevelSecurity": func(*testing.T, *bun.DB) {},
		"ByTheStoreAlone": func(t *testing.T, owner *bun.DB) {
			t.Helper()
			for table := range tablesOf(t, owner) {
				_, err := owner.ExecContext(t.Context(), `ALTER TABLE "`+table+`" DISABLE ROW LEVEL SECURITY`)
				require.NoError(t, err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			owner := testkit.Database(t)
			prepare(t, owner)
			s := testkit.Store(t, owner)
			tables := tablesOf(t, owner)
			theirs := newWorld(t, s)
			for method, ask := range intrusions {
				t.Run(method, func(t *testing.T) {
					own := newWorld(t, s) // which others have not changed
					before := rowsOf(t, owner, tables, theirs)
					answer, err := ask(&intruder{Store: s, ctx: t.Context(), org: own.org.ID, own: own, theirs: theirs})
					require.Equal(t, before, rowsOf(t, owner, tables, theirs), "it changed what is another's")
					encoded, jsonErr := json.Marshal(answer)
					require.NoError(t, jsonErr)
					for what, secret := range map[string]string{
						"the mark": theirs.mark, "the organisation": theirs.org.ID.String(), "the project": theirs.project.ID.String(),
						"the batch": theirs.batch.ID.String(), "a user": theirs.owner.UserID.String(),
					} {
						require.NotContains(t, string(encoded), secret, "it tells %s of another", what)
					}
					if err != nil {
						require.True(t, turnedAway(err), err)
					}
				})
			}
		})
	}
}

// turnedAway tells the errors that say that something is not there, or not to be had.
func turnedAway(err error) bool {
	for _, sentinel := range []error{models.ErrNotFound, models.ErrConflict, models.ErrVersionMismatch, models.ErrStaleAttempt, models.ErrNoJobs} {
		if errors.Is(err, sentinel) {
			return true
		}
	}
	return strings.Contains(err.Error(), "duplicate key") // an id that is taken, by whomever
}

// rowsOf gives everything that is of an organisation.
func rowsOf(t *testing.T, owner *bun.DB, tables map[string]bool, w *world) map[string]string {
	t.Helper()
	out := make(map[string]string, len(tables))
	for table, owned := range tables {
		var rows string
		err := owner.NewRaw(`SELECT COALESCE(string_agg(r::text, E'\n' ORDER BY r::text), '') FROM "`+table+`" AS r WHERE `+ofTable(table, owned), w.org.ID).
			Scan(t.Context(), &rows)
		require.NoError(t, err)
		require.NotEmpty(t, rows, table)
		out[table] = rows
	}
	return out
}
