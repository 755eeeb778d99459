package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/testfactory"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/access"
)

func TestEveryAuditedOperationIsWrittenDown(t *testing.T) {
	t.Parallel()
	var ids []string
	for _, id := range access.OperationIDs() {
		if o, _ := access.OperationOf(id); o.Audited {
			ids = append(ids, id)
		}
	}
	require.Len(t, audited, len(ids))
	b := setupScenes(t)
	me := read[wire.Me](b.get("/api/me"), http.StatusOK)
	for _, id := range ids {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			d, ok := audited[id]
			require.True(t, ok, "what is written down of it is not said here")
			own := *b
			own.t = t
			s := own.scene()

			refused := d.refused(s)
			require.Empty(t, s.entries(refused), "of what did not happen: %s", refused.body)

			from := time.Now().Add(-time.Second) // PostgreSQL has a clock of its own
			a := d.do(s)
			require.Less(t, a.status, http.StatusMultipleChoices, "%s", a.body)
			entries := s.entries(a)
			outcomes := []string{"done"}
			if d.began {
				outcomes = []string{"requested", "done"}
			}
			require.Len(t, entries, len(outcomes), "%+v", entries)
			for i, e := range entries {
				require.Equal(t, []string{"key", me.ID, me.Name}, []string{e.ActorKind, e.ActorID, e.ActorName}, "who")
				require.Equal(t, []string{id, d.target, d.idOf(s, a), outcomes[i]}, []string{e.Operation, e.TargetType, e.TargetID, e.Outcome}, "what")
				require.WithinRange(t, e.CreatedAt, from, time.Now().Add(time.Second), "when")
				require.Equal(t, []string{"127.0.0.1", "Go-http-client/1.1"}, []string{e.IP, e.UserAgent}, "from where")
				holds(t, e.Before, d.before)
			}
			holds(t, entries[len(entries)-1].After, d.after)
		})
	}
}

// refuseEntries has PostgreSQL refuse new entries of the audit log, until allow is called.
func (b *bundle) refuseEntries() (allow func()) {
	b.t.Helper()
	b.exec(`CREATE OR REPLACE FUNCTION refuse_entry() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no entries now'; END $$`)
	b.exec(`CREATE TRIGGER refuse_entry BEFORE INSERT ON audit_log FOR EACH ROW EXECUTE FUNCTION refuse_entry()`)
	return func() {
		b.t.Helper()
		b.exec(`DROP TRIGGER refuse_entry ON audit_log`)
	}
}

func (b *bundle) exec(statement string) {
	b.t.Helper()
	_, err := b.db.ExecContext(b.t.Context(), statement)
	require.NoError(b.t, err)
}

// What cannot be written down does not happen: neither in the records nor in a run.
func TestNothingHappensThatCannotBeWrittenDown(t *testing.T) {
	t.Parallel()
	b := setupScenes(t)
	for id, d := range audited { // one after another: the log is refused for all
		s := b.scene()
		if id == "deleteProject" {
			s.end(s.execution) // which is not a part of it
		}
		before, runs, starts := s.dump(), s.orch.said(), s.orch.started()
		allow := s.refuseEntries()
		a := d.do(s)
		allow()
		require.GreaterOrEqual(t, a.status, http.StatusInternalServerError, "%s: %s", id, a.body)
		require.Equal(t, before, s.dump(), id)
		require.Equal(t, runs, s.orch.said(), id)
		require.Equal(t, starts, s.orch.started(), id)
		require.Empty(t, s.entries(a), id)
	}
}

func TestControlThatFailsIsWrittenDown(t *testing.T) {
	t.Parallel()
	b := setupScenes(t)
	s := b.scene()
	s.orch.fail(models.ErrUnavailable)
	failed := s.post(executionPath(s.execution)+"/pause", `{}`)
	failed.problem(http.StatusServiceUnavailable, wire.CodeUnavailable)
	s.orch.fail(nil)
	entries := s.entries(failed)
	require.Len(t, entries, 2)
	require.Equal(t, []string{"requested", "failed"}, []string{entries[0].Outcome, entries[1].Outcome})
	require.JSONEq(t, `{"error": "UNAVAILABLE"}`, string(entries[1].After))

	// An execution whose run is lost is stopped all the same.
	b.exec(`UPDATE executions SET status = 'running' WHERE id = '` + s.execution.ID.String() + `'`)
	s.orch.end(s.execution.ID)
	stopped := s.post(executionPath(s.execution)+"/stop", `{}`)
	read[wire.Stats](stopped, http.StatusOK)
	entries = s.entries(stopped)
	require.Len(t, entries, 2, "%+v", entries)
	require.Equal(t, []string{"requested", "done"}, []string{entries[0].Outcome, entries[1].Outcome})
	require.JSONEq(t, `{"mode": "drain"}`, string(entries[0].After))
	holds(t, entries[1].After, map[string]any{"status": "stopped"})

	// And what has ended before asks nothing of anybody.
	again := s.post(executionPath(s.execution)+"/stop", `{}`)
	read[wire.Stats](again, http.StatusOK)
	require.Empty(t, s.entries(again))
}

// What a limit of the organisation refuses is not asked of the run, and no entry.
func TestConcurrencyBeyondTheLimitIsNotAskedFor(t *testing.T) {
	t.Parallel()
	b := setupKeeper(t)
	limited := testfactory.Organisation(t, b.store, func(o *models.Organisation) { o.MaxConcurrentJobs = new(12) })
	b = b.as(b.key(limited.ID, access.Owner, nil))
	e := b.execution(b.batch(b.project(), 1))
	runs := b.orch.said()
	refused := b.post(executionPath(e)+"/concurrency", `{"value": 13}`)
	refused.problem(http.StatusTooManyRequests, wire.CodeQuotaExceeded)
	require.Equal(t, runs, b.orch.said())
	require.Empty(t, b.entries(refused))
	taken := b.post(executionPath(e)+"/concurrency", `{"value": 12}`)
	require.Equal(t, 12, read[wire.Stats](taken, http.StatusOK).Concurrency)
	require.Len(t, b.entries(taken), 2)
}

func TestAnAnswerThatIsGivenAgainIsNoOtherEntry(t *testing.T) {
	t.Parallel()
	b := setupScenes(t)
	project := b.project()
	for i, want := range []int{1, 0} {
		req := b.request(http.MethodPost, "/api/batches?project_id="+project.ID.String(), "application/json",
			strings.NewReader(`{"rows": [{"site_url": "https://shop.example/1"}]}`))
		req.Header.Set("Idempotency-Key", "november")
		require.Len(t, b.entries(b.send(req).is(http.StatusCreated)), want, "request %d", i)
	}
}

// Many rows are written down whole, as far as there is room for them.
func TestEntryOfManyRowsIsBounded(t *testing.T) {
	t.Parallel()
	b := setupScenes(t)
	batch := b.batch(b.project(), 400)
	var rows []any
	for i := range 400 {
		rows = append(rows, map[string]any{"row": i + 1, "ground_truth": map[string]any{"price": []string{strings.Repeat("9", 1_000)}}})
	}
	a := b.post("/api/batches/"+batch.ID.String()+"/ground-truth", map[string]any{"rows": rows})
	a.is(http.StatusOK)
	entries := b.entries(a)
	require.Len(t, entries, 1)
	var before, after struct {
		Rows    []wire.Row
		Omitted int
	}
	require.NoError(t, json.Unmarshal(entries[0].Before, &before))
	require.NoError(t, json.Unmarshal(entries[0].After, &after))
	require.Len(t, before.Rows, 400)
	require.Zero(t, before.Omitted)
	require.Equal(t, 400, len(after.Rows)+after.Omitted)
	require.NotZero(t, after.Omitted)
	require.Greater(t, len(entries[0].After), 200<<10)
	require.Less(t, len(entries[0].After), 300<<10)
}

func TestAuditLogIsFilteredAndPaged(t *testing.T) {
	t.Parallel()
	b := setupScenes(t)
	me := read[wire.Me](b.get("/api/me"), http.StatusOK)
	other, key := b.keyOf(models.DefaultOrganisationID, nil)
	first := b.project()
	moment := time.Now()
	second := b.as(other).project()
	patched := b.patch("/api/projects/"+first.ID.String(), `{"instruction": "Look harder."}`)
	patched.is(http.StatusOK)

	list := func(query string) []string {
		var out []string
		page := read[wire.Page[wire.AuditEntry]](b.get(auditPath+"?include_total=true&"+query), http.StatusOK)
		for _, e := range page.Data {
			out = append(out, e.Operation+" "+e.TargetID)
		}
		require.EqualValues(t, len(out), *page.Pagination.Total)
		return out
	}
	made, madeSecond, edited := "createProject "+first.ID.String(), "createProject "+second.ID.String(), "updateProject "+first.ID.String()
	require.Equal(t, []string{edited, madeSecond, made}, list(""))
	require.Equal(t, []string{edited, made}, list("actor_id="+me.ID))
	require.Equal(t, []string{madeSecond}, list("actor_id="+key.ID.String()))
	require.Equal(t, []string{madeSecond, made}, list("operation=createProject"))
	require.Equal(t, []string{edited, made}, list("target_type=project&target_id="+first.ID.String()))
	require.Empty(t, list("target_type=batch"))
	at := moment.UTC().Format(time.RFC3339Nano)
	require.Equal(t, []string{edited, madeSecond}, list("from="+at))
	require.Equal(t, []string{made}, list("to="+at))

	page := read[wire.Page[wire.AuditEntry]](b.get(auditPath+"?limit=2&target_type=project"), http.StatusOK)
	require.True(t, page.Pagination.HasMore)
	rest := read[wire.Page[wire.AuditEntry]](b.get(auditPath+"?limit=2&target_type=project&cursor="+page.Pagination.NextCursor), http.StatusOK)
	require.Len(t, rest.Data, 1)
	require.Equal(t, first.ID.String(), rest.Data[0].TargetID)
	at2 := b.get(auditPath+"?limit=2&cursor="+page.Pagination.NextCursor).problem(http.StatusBadRequest, wire.CodeInvalidParams)
	require.Contains(t, fieldsOf(at2), "cursor", "under other filters")
	for query, field := range map[string]string{
		"from=yesterday": "from", "from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z": "from", "actor=x": "actor",
		"actor_id=" + strings.Repeat("x", 256): "actor_id", "limit=0": "limit",
	} {
		require.Contains(t, fieldsOf(b.get(auditPath+"?"+query).problem(http.StatusBadRequest, wire.CodeInvalidParams)), field)
	}
}
