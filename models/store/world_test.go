package store_test

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/minohq/mino/internal/testfactory"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/access"
	"github.com/minohq/mino/models/audit"
	"github.com/minohq/mino/models/store"
)

// world is an organisation that has something in every table.
type world struct {
	org *models.Organisation
	// mark is a word in the texts of the organisation, and in those of no other.
	mark string

	project   *models.Project
	batch     *models.Batch
	execution *models.Execution // running: one job is done, one is under way
	attempt   *store.Attempt    // at the job under way
	done      *store.Attempt
	owner     *models.Membership
	apiKey    *models.APIKey
	ticket    *models.StreamTicket
	once      *models.Once
	secret    models.Secret
	reference string
	host      models.HostRequest
}

// newWorld makes one in the way that MINO does: all through the store.
func newWorld(t *testing.T, s *store.Store) *world {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	w := &world{mark: "mark" + strings.ToLower(rand.Text())}
	w.org = testfactory.Organisation(t, s, func(o *models.Organisation) { o.Slug, o.Name, o.ExternalID = w.mark, w.mark, &w.mark })
	w.owner = testfactory.Member(t, s, w.org, access.Owner, func(m *models.Membership) {
		m.User.Name, m.User.Email = w.mark, ptr(w.mark+"@example.com")
	})
	w.apiKey = testfactory.APIKey(t, s, func(k *models.APIKey) { k.OrganisationID, k.Name = w.org.ID, w.mark })
	w.ticket = &models.StreamTicket{
		Hash: hashOf(w.mark), OrganisationID: w.org.ID, ExpiresAt: time.Now().Add(time.Hour),
		Principal: access.Principal{Kind: access.KindKey, ID: w.apiKey.ID.String(), Organisation: w.org.ID, Role: access.Owner},
	}
	require.NoError(t, s.CreateTicket(ctx, w.ticket))

	id := models.NewID()
	w.secret = models.Secret{OrganisationID: w.org.ID, ProjectID: id, Name: "token", KeyID: w.mark, Sealed: []byte(w.mark)}
	w.once = &models.Once{OrganisationID: w.org.ID, Key: w.mark, Fingerprint: sha256.Sum256([]byte(w.mark))}
	w.once.Answer = func() (models.Answer, error) {
		return models.Answer{Status: 201, Location: w.mark, Body: []byte(w.mark)}, nil
	}
	w.project = testfactory.NewProject(func(p *models.Project) {
		p.ID, p.OrganisationID, p.Name, p.Politeness = id, w.org.ID, w.mark, &models.Politeness{MaxConcurrentPerHost: 2}
	})
	note := &audit.Note{Principal: access.Principal{Kind: access.KindUser, ID: w.mark, Organisation: w.org.ID}, Operation: "createProject"}
	require.NoError(t, s.CreateProjectOnce(audit.With(ctx, note), w.project, models.SecretEdit{Put: []models.Secret{w.secret}}, w.once))
	w.batch = testfactory.Batch(t, s, w.project, 3, func(j *models.Job) { j.SiteURL = "https://" + w.mark + ".example" })
	w.execution = testfactory.Execution(t, s, w.project, w.batch, nil)

	begun(t, s, w.execution)
	jobs := queued(t, s, w.execution, 2)
	var err error
	w.done, _, err = s.BeginAttempt(ctx, w.org.ID, w.execution.ID, jobs[0].ID, w.mark)
	require.NoError(t, err)
	require.NoError(t, s.CompleteAttempt(ctx, w.done, success(true)))
	w.attempt, _, err = s.BeginAttempt(ctx, w.org.ID, w.execution.ID, jobs[1].ID, w.mark)
	require.NoError(t, err)
	w.reference = "mino-" + w.mark
	require.NoError(t, s.Announce(ctx, w.attempt, w.reference))
	require.NoError(t, s.KeepFiles(ctx, w.attempt, []models.SessionFile{{Kind: "screenshot", ContentType: "image/png", Data: []byte(w.mark)}}))
	w.host = models.HostRequest{
		OrganisationID: w.org.ID, Host: w.mark + ".example", JobID: w.attempt.JobID, Token: uuid.New(),
		Most: 1, Every: time.Second, Lease: time.Hour, Patience: time.Minute,
	}
	_, err = s.AcquireHost(ctx, w.host)
	require.NoError(t, err)
	_, err = s.SequenceEvents(ctx, w.execution.ID)
	require.NoError(t, err)
	return w
}

func hashOf(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}

// tablesOf lists the tables of MINO in a database, and which have a column that says whose
// a row is.
func tablesOf(t *testing.T, db *bun.DB) (tables map[string]bool) {
	t.Helper()
	var rows []struct {
		Name  string
		Owned bool
	}
	err := db.NewRaw(`
		SELECT c.relname AS name, EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attname = 'organisation_id') AS owned
		FROM pg_class AS c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND c.relname NOT LIKE 'bun\_%'`).
		Scan(t.Context(), &rows)
	require.NoError(t, err)
	require.Greater(t, len(rows), 15)
	tables = make(map[string]bool, len(rows))
	for _, row := range rows {
		tables[row.Name] = row.Owned
	}
	return tables
}

// ofTable is the condition that a row of a table is of an organisation, which is ?0.
func ofTable(table string, owned bool) string {
	switch {
	case owned:
		return "organisation_id = ?0"
	case table == "organisations":
		return "id = ?0"
	case table == "users":
		return "id IN (SELECT user_id FROM memberships WHERE organisation_id = ?0)"
	}
	return "whose the rows are of a table without organisation_id has to be said here"
}

// countRows counts the rows of a table that meet a condition.
func countRows(ctx context.Context, t *testing.T, db bun.IDB, table, condition string, values ...any) (n int) {
	t.Helper()
	require.NoError(t, db.NewRaw(`SELECT count(*) FROM "`+table+`" WHERE `+condition, values...).Scan(ctx, &n), table)
	return n
}
