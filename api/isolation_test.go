package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/internal/testfactory"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/access"
	"github.com/minohq/mino/models/store"
	"github.com/minohq/mino/scoring"
)

// probe is a request that asks for what is another organisation's. {project}, {batch},
// {execution}, {job}, {session}, {member} and {key} are ids of the other's records, {ours}
// and {ourbatch} those of the caller's own.
type probe struct {
	path, body string
	// status is 404 when nothing is said.
	status int
	// holds is what the answer must say.
	holds string
}

// probes are what is asked of each operation of the document. Those without a probe name
// nothing that could be another's, and say so with the reason.
var probes = map[string][]probe{
	"getProject":        {{path: "/api/projects/{project}"}},
	"updateProject":     {{path: "/api/projects/{project}", body: `{"name": "taken over"}`}},
	"deleteProject":     {{path: "/api/projects/{project}"}, {path: "/api/projects/{project}?cascade=true"}},
	"getProjectMetrics": {{path: "/api/projects/{project}/metrics"}},
	"listProjectJobs": {
		{path: "/api/projects/{project}/jobs"},
		{path: "/api/projects/{ours}/jobs?execution_id={execution}", status: http.StatusOK, holds: `"data":[]`},
	},
	"listProjects": {{path: "/api/projects?include_total=true", status: http.StatusOK, holds: `"total":1`}},
	"execute": {
		{path: "/api/projects/{project}/batches/{batch}/execute", body: `{"type": "production"}`},
		{path: "/api/projects/{ours}/batches/{batch}/execute", body: `{"type": "production"}`},
		{path: "/api/projects/{project}/batches/{ourbatch}/execute", body: `{"type": "production"}`},
	},
	"tryProject": {{path: "/api/projects/{project}/try", body: `{"site_url": "https://shop.example/1"}`}},

	"createBatch":  {{path: "/api/batches?project_id={project}", body: `{"rows": [{"site_url": "https://shop.example/1"}]}`}},
	"previewBatch": {{path: "/api/batches/preview?project_id={project}", body: `{"rows": [{"site_url": "https://shop.example/1"}]}`}},
	"listBatches": {
		{path: "/api/batches?include_total=true", status: http.StatusOK, holds: `"total":1`},
		{path: "/api/batches?project_id={project}", status: http.StatusOK, holds: `"data":[]`},
	},
	"getBatch":       {{path: "/api/batches/{batch}"}},
	"updateBatch":    {{path: "/api/batches/{batch}", body: `{"name": "taken over"}`}},
	"deleteBatch":    {{path: "/api/batches/{batch}"}, {path: "/api/batches/{batch}?cascade=true"}},
	"setGroundTruth": {{path: "/api/batches/{batch}/ground-truth", body: `{"rows": [{"row": 1, "ground_truth": {"price": ["1.00"]}}]}`}},
	"listJobs": {
		{path: "/api/batches/{batch}/jobs"},
		{path: "/api/batches/{ourbatch}/jobs?execution_id={execution}", status: http.StatusOK, holds: `"data":[]`},
	},
	"exportJobs": {{path: "/api/batches/{batch}/export"}, {path: "/api/batches/{batch}/export?format=jsonl"}},

	"listExecutions": {
		{path: "/api/executions?include_total=true", status: http.StatusOK, holds: `"total":1`},
		{path: "/api/executions?project_id={project}", status: http.StatusOK, holds: `"data":[]`},
		{path: "/api/executions?batch_id={batch}", status: http.StatusOK, holds: `"data":[]`},
	},
	"getExecution":              {{path: "/api/executions/{execution}"}},
	"getStats":                  {{path: "/api/executions/{execution}/stats"}},
	"streamEvents":              {{path: "/api/executions/{execution}/events"}},
	"streamEventsOverWebSocket": {{path: "/api/executions/{execution}/ws"}},
	"getExecutionMetrics":       {{path: "/api/executions/{execution}/metrics"}},
	"listExecutionSessions":     {{path: "/api/executions/{execution}/sessions"}},
	"exportSessions":            {{path: "/api/executions/{execution}/sessions/export"}},
	"pause":                     {{path: "/api/executions/{execution}/pause"}},
	"resume":                    {{path: "/api/executions/{execution}/resume"}},
	"stop":                      {{path: "/api/executions/{execution}/stop", body: `{"mode": "cancel"}`}},
	"setConcurrency":            {{path: "/api/executions/{execution}/concurrency", body: `{"value": 3}`}},

	"bulkDeleteJobs": {{path: "/api/jobs/bulk/delete", body: `{"ids": ["{job}"]}`, status: http.StatusOK, holds: `"code":"JOB_NOT_FOUND"`}},
	"bulkUpdateJobs": {{
		path: "/api/jobs/bulk/update", body: `{"jobs": [{"id": "{job}", "site_url": "https://taken.example/"}]}`,
		status: http.StatusOK, holds: `"code":"JOB_NOT_FOUND"`,
	}},
	"bulkRerunJobs": {
		{path: "/api/jobs/bulk/rerun", body: `{"ids": ["{job}"]}`},
		{path: "/api/jobs/bulk/rerun", body: `{"batch_id": "{batch}", "filter": {"status": ["completed"]}}`},
	},
	"getJob":        {{path: "/api/jobs/{job}"}},
	"updateJob":     {{path: "/api/jobs/{job}", body: `{"site_url": "https://taken.example/"}`}},
	"deleteJob":     {{path: "/api/jobs/{job}"}},
	"listSessions":  {{path: "/api/jobs/{job}/sessions"}},
	"getSession":    {{path: "/api/sessions/{session}"}},
	"getScreenshot": {{path: "/api/sessions/{session}/screenshot"}},

	"getMe":             {{path: "/api/me", status: http.StatusOK}},
	"listOrganisations": {{path: "/api/organisations", status: http.StatusOK}},
	"getOrganisation":   {{path: "/api/organisation", status: http.StatusOK}},
	"listMembers":       {{path: "/api/members?include_total=true", status: http.StatusOK, holds: `"total":0`}},
	"updateMember":      {{path: "/api/members/{member}", body: `{"role": "viewer"}`}},
	"removeMember":      {{path: "/api/members/{member}"}},
	"listKeys":          {{path: "/api/keys?include_total=true", status: http.StatusOK, holds: `"total":1`}},
	"getKey":            {{path: "/api/keys/{key}"}},
	"rotateKey":         {{path: "/api/keys/{key}/rotate", body: `{"grace_seconds": 60}`}},
	"revokeKey":         {{path: "/api/keys/{key}/revoke"}},
	"listAudit": {
		{path: "/api/audit", status: http.StatusOK},
		{path: "/api/audit?target_id={project}", status: http.StatusOK, holds: `"data":[]`},
	},
	"exportAudit": {{path: "/api/audit/export?format=jsonl", status: http.StatusOK}},
}

// namesNothing are the operations whose requests have no place for another's record.
var namesNothing = []string{
	"livez", "readyz", "getDocument", "getDocs", // they are everybody's
	"createProject", "createTicket", "updateOrganisation", "addMember", "createKey", // they make or change the caller's own
}

// everythingOf is all rows of an organisation, of the organisation itself and of all
// people, as text.
func (b *bundle) everythingOf(org uuid.UUID) map[string][]string {
	b.t.Helper()
	var tables []string
	require.NoError(b.t, b.db.NewRaw(`SELECT table_name::text FROM information_schema.columns
		WHERE table_schema = 'public' AND column_name = 'organisation_id'`).Scan(context.Background(), &tables))
	require.Subset(b.t, tables, []string{"projects", "batches", "jobs", "executions", "sessions", "session_files", "api_keys", "memberships", "audit_log"})
	out := map[string][]string{}
	look := func(name, where string, args ...any) {
		rows := []string{}
		require.NoError(b.t, b.db.NewRaw(`SELECT row_to_json(t)::text AS r FROM "`+name+`" AS t WHERE `+where+` ORDER BY r`, args...).
			Scan(context.Background(), &rows))
		out[name] = rows
	}
	for _, table := range tables {
		look(table, "organisation_id = ?", org)
	}
	look("organisations", "id = ?", org)
	look("users", "true")
	return out
}

// ofAll are the ids of one record of each kind of the default organisation.
func (b *bundle) ofAll() map[string]uuid.UUID {
	b.t.Helper()
	batch := b.batch(b.project(), 2)
	e := b.began(batch)
	jobs := b.jobs(batch, "")
	a := b.attempt(e, jobs[0].ID)
	require.NoError(b.t, b.store.KeepFiles(b.t.Context(), a, []models.SessionFile{
		{Kind: executors.KindScreenshot, ContentType: "image/png", Data: []byte("\x89PNG\r\n\x1a\nits own")},
	}))
	b.complete(a, scoring.Unverified, "", store.Used{})
	home, err := b.store.Organisation(b.t.Context(), models.DefaultOrganisationID)
	require.NoError(b.t, err)
	_, key := b.keyOf(home.ID, nil)
	return map[string]uuid.UUID{
		"project": batch.ProjectID, "batch": batch.ID, "execution": e.ID, "job": jobs[0].ID, "session": a.SessionID, "key": key.ID,
		"member": testfactory.Member(b.t, b.store, home, access.Admin, nil).UserID,
	}
}

func (p probe) fill(ids map[string]uuid.UUID) probe {
	for name, id := range ids {
		p.path = strings.ReplaceAll(p.path, "{"+name+"}", id.String())
		p.body = strings.ReplaceAll(p.body, "{"+name+"}", id.String())
	}
	return p
}

func (b *bundle) probe(method string, p probe) *answer {
	b.t.Helper()
	if p.body == "" {
		return b.send(b.request(method, p.path, "", nil))
	}
	return b.send(b.request(method, p.path, "application/json", strings.NewReader(p.body)))
}

func TestWhatIsAnothersIsNotThere(t *testing.T) {
	t.Parallel()
	all := operations(t)
	require.ElementsMatch(t, idsOf(all), append(slices.Collect(maps.Keys(probes)), namesNothing...),
		"say of each operation of the document how it is asked for what is another's")

	them := setupAccess(t, nil)
	theirs := them.ofAll()
	organisation, us := them.organisation()
	ourBatch := us.batch(us.project(), 1)
	us.execution(ourBatch)
	ids := maps.Clone(theirs)
	ids["ours"], ids["ourbatch"] = ourBatch.ProjectID, ourBatch.ID

	before := them.everythingOf(models.DefaultOrganisationID)
	runs := them.runs(t)
	for _, o := range all {
		for _, p := range probes[o.id] {
			asked := p.fill(ids)
			what := fmt.Sprintf("%s: %s %s %s", o.id, o.method, asked.path, asked.body)
			got := us.probe(o.method, asked)
			if p.status == 0 {
				require.Equal(t, http.StatusNotFound, got.status, "%s: %s", what, got.body)
				var said wire.Problem
				require.NoError(t, json.Unmarshal(got.body, &said), what)
				require.Contains(t, said.Code, "NOT_FOUND", what)
			} else {
				require.Equal(t, p.status, got.status, "%s: %s", what, got.body)
				require.Contains(t, string(got.body), p.holds, what)
			}
			for name, id := range theirs {
				if !strings.Contains(asked.path+asked.body, id.String()) {
					require.NotContains(t, string(got.body), id.String(), "%s shows the other's %s", what, name)
				}
			}
			require.NotContains(t, string(got.body), models.DefaultOrganisationID.String(), what)
		}
	}
	require.Equal(t, before, them.everythingOf(models.DefaultOrganisationID))
	require.Equal(t, runs, them.runs(t))

	// Those whose they are find them under the same paths, so that it was not the paths
	// that were wrong.
	for _, o := range all {
		for _, p := range probes[o.id] {
			if o.method == http.MethodGet && p.status == 0 && o.id != "streamEvents" && o.id != "streamEventsOverWebSocket" {
				them.probe(o.method, p.fill(ids)).is(http.StatusOK)
			}
		}
	}

	// What a request says of the organisation does not make it another's.
	named := us.request(http.MethodGet, "/api/projects/"+theirs["project"].String(), "", nil)
	named.Header.Set("Mino-Organisation", models.DefaultOrganisationID.String())
	require.Contains(t, []int{http.StatusForbidden, http.StatusNotFound}, us.send(named).status)
	smuggled := us.post("/api/projects", strings.Replace(shopProject, `"name"`, `"organisation_id": "`+models.DefaultOrganisationID.String()+`", "name"`, 1))
	at(t, smuggled.problem(http.StatusBadRequest, wire.CodeValidation), "organisation_id")
	require.Len(t, us.everythingOf(organisation.ID)["projects"], 1)
}

// runs are the runs that the orchestrator has, as text.
func (b *bundle) runs(t *testing.T) string {
	t.Helper()
	b.orch.mu.Lock()
	defer b.orch.mu.Unlock()
	text, err := json.Marshal(b.orch.runs)
	require.NoError(t, err)
	return string(text)
}
