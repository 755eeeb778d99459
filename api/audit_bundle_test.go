package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/testfactory"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/access"
)

const auditPath = "/api/audit"

// entries lists what was written down of a request, in the order in which it was.
func (b *bundle) entries(a *answer) []wire.AuditEntry {
	b.t.Helper()
	var out []wire.AuditEntry
	for _, e := range read[wire.Page[wire.AuditEntry]](b.get(auditPath+"?limit=100"), http.StatusOK).Data {
		if e.RequestID == a.header.Get("X-Request-Id") {
			out = append([]wire.AuditEntry{e}, out...)
		}
	}
	return out
}

// dump is all that the database holds, but for when keys were used and what was written
// down.
func (b *bundle) dump() string {
	b.t.Helper()
	var tables []string
	err := b.db.NewRaw(`
		SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE 'bun_%' ORDER BY tablename`).Scan(b.t.Context(), &tables)
	require.NoError(b.t, err)
	require.NotEmpty(b.t, tables)
	var out strings.Builder
	for _, table := range tables {
		var rows []string
		err := b.db.NewRaw(`SELECT (to_jsonb(t) - 'last_used_at' - 'last_used_ip')::text FROM `+table+` AS t ORDER BY 1`).Scan(b.t.Context(), &rows)
		require.NoError(b.t, err)
		fmt.Fprintln(&out, table, strings.Join(rows, "\n"))
	}
	return out.String()
}

// scene is what the operations of one test are done to.
type scene struct {
	*bundle
	project   wire.Project
	batch     wire.Batch
	jobs      []wire.Job
	execution wire.Execution
	member    *models.Membership
	key       wire.CreatedAPIKey
}

// scene makes records of its own.
func (b *bundle) scene() *scene {
	b.t.Helper()
	s := &scene{bundle: b, project: b.project()}
	s.batch = b.batch(s.project, 2)
	s.jobs = b.jobs(s.batch, "")
	s.execution = b.execution(b.batch(s.project, 1))
	s.member = testfactory.Member(b.t, b.store, b.home(), access.Viewer, nil)
	s.key = b.newKey(`{"name": "nightly", "role": "viewer"}`)
	return s
}

// done is an audited operation: how it is done, and what is written down of it.
type done struct {
	do func(*scene) *answer
	// refused does it in vain.
	refused func(*scene) *answer
	// target is the kind of what it is done to, id finds which; nil is none.
	target string
	id     func(*scene, *answer) string
	// began says that it is written down before, with its end after it.
	began bool
	// before and after are parts of what is written down, at their paths; nil is nothing.
	before, after map[string]any
}

func idOfAnswer(_ *scene, a *answer) string {
	var out struct{ ID string }
	require.NoError(a.t, json.Unmarshal(a.body, &out))
	return out.ID
}

func ofProject(s *scene, _ *answer) string   { return s.project.ID.String() }
func ofBatch(s *scene, _ *answer) string     { return s.batch.ID.String() }
func ofExecution(s *scene, _ *answer) string { return s.execution.ID.String() }
func ofJob(s *scene, _ *answer) string       { return s.jobs[0].ID.String() }
func ofMember(s *scene, _ *answer) string    { return s.member.UserID.String() }
func ofKey(s *scene, _ *answer) string       { return s.key.ID.String() }
func ofOrganisation(*scene, *answer) string  { return models.DefaultOrganisationID.String() }

func nobody(path string) string { return strings.Replace(path, "*", uuid.NewString(), 1) }

// audited are the operations that are written down, by their ids.
var audited = map[string]done{
	"createProject": {
		do: func(s *scene) *answer {
			return s.post("/api/projects", strings.Replace(shopProject, "Shop prices", uuid.NewString(), 1))
		},
		refused: func(s *scene) *answer { return s.post("/api/projects", `{"name": "`+s.project.Name+`"}`) },
		target:  "project", id: idOfAnswer, after: map[string]any{"version": 1.0, "executor": "fetch", "instruction": "Find the price."},
	},
	"updateProject": {
		do: func(s *scene) *answer {
			return s.patch("/api/projects/"+s.project.ID.String(), `{"instruction": "Look harder."}`)
		},
		refused: func(s *scene) *answer {
			return s.patch("/api/projects/"+s.project.ID.String(), `{"instruction": "x"}`, "If-Match", `"9"`)
		},
		target: "project", id: ofProject,
		before: map[string]any{"version": 1.0, "instruction": "Find the price."}, after: map[string]any{"version": 2.0, "instruction": "Look harder."},
	},
	"deleteProject": {
		do: func(s *scene) *answer {
			s.end(s.execution)
			return s.remove("/api/projects/" + s.project.ID.String() + "?cascade=true")
		},
		refused: func(s *scene) *answer { return s.remove("/api/projects/" + s.project.ID.String()) },
		target:  "project", id: ofProject, before: map[string]any{"instruction": "Find the price."},
	},
	"execute": {
		do: func(s *scene) *answer { return s.post(executePath(s.batch), `{"type": "production"}`) },
		refused: func(s *scene) *answer {
			return s.post(executePath(s.batch), `{"type": "production", "concurrency": 99}`)
		},
		target: "execution", id: idOfAnswer, after: map[string]any{"status": "pending", "total_jobs": 2.0},
	},
	"tryProject": {
		do: func(s *scene) *answer {
			return s.post(tryPath(s.project), `{"site_url": "https://shop.example/p/1", "timeout_ms": 60000}`)
		},
		refused: func(s *scene) *answer { return s.post(tryPath(s.project), `{"site_url": "ftp://shop.example/"}`) },
		target:  "execution",
		id: func(_ *scene, a *answer) string {
			return read[wire.Try](a, http.StatusOK).ExecutionID.String()
		},
		after: map[string]any{"type": "try", "status": "pending"},
	},
	"createBatch": {
		do: func(s *scene) *answer {
			return s.post("/api/batches?project_id="+s.project.ID.String(), `{"name": "November", "rows": [{"site_url": "https://shop.example/1"}]}`)
		},
		refused: func(s *scene) *answer {
			return s.post("/api/batches?project_id="+s.project.ID.String(), `{"rows": [{"site_url": ""}]}`)
		},
		target: "batch", id: idOfAnswer, after: map[string]any{"name": "November", "row_count": 1.0},
	},
	"updateBatch": {
		do:      func(s *scene) *answer { return s.patch("/api/batches/"+s.batch.ID.String(), `{"name": "Second"}`) },
		refused: func(s *scene) *answer { return s.patch("/api/batches/"+s.batch.ID.String(), `{"name": ""}`) },
		target:  "batch", id: ofBatch, before: map[string]any{"version": 1.0}, after: map[string]any{"version": 2.0, "name": "Second"},
	},
	"deleteBatch": {
		do: func(s *scene) *answer { return s.remove("/api/batches/" + s.batch.ID.String()) },
		refused: func(s *scene) *answer {
			return s.remove("/api/batches/" + s.execution.BatchID.String() + "?cascade=true")
		},
		target: "batch", id: ofBatch, before: map[string]any{"row_count": 2.0},
	},
	"setGroundTruth": {
		do: func(s *scene) *answer {
			return s.post("/api/batches/"+s.batch.ID.String()+"/ground-truth", `{"rows": [{"row": 2, "ground_truth": {"price": ["12.00"]}}]}`)
		},
		refused: func(s *scene) *answer {
			return s.post("/api/batches/"+s.batch.ID.String()+"/ground-truth", `{"rows": [{"row": 9, "ground_truth": {"price": ["12.00"]}}]}`)
		},
		target: "batch", id: ofBatch,
		before: map[string]any{"rows.0.row": 2.0, "rows.0.ground_truth.price.0": "10.00", "rows.0.version": 1.0},
		after:  map[string]any{"rows.0.row": 2.0, "rows.0.ground_truth.price.0": "12.00", "rows.0.version": 2.0},
	},
	"exportJobs": {
		do:      func(s *scene) *answer { return s.get("/api/batches/" + s.batch.ID.String() + "/export") },
		refused: func(s *scene) *answer { return s.get("/api/batches/" + s.batch.ID.String() + "/export?columns=none") },
		target:  "batch", id: ofBatch, began: true, after: map[string]any{"format": "csv", "rows": 2.0},
	},
	"exportSessions": {
		do:      func(s *scene) *answer { return s.get(executionPath(s.execution) + "/sessions/export?format=jsonl") },
		refused: func(s *scene) *answer { return s.get(nobody("/api/executions/*/sessions/export")) },
		target:  "execution", id: ofExecution, began: true, after: map[string]any{"format": "jsonl", "rows": 0.0},
	},
	"pause": {
		do:      func(s *scene) *answer { return s.post(executionPath(s.execution)+"/pause", `{}`) },
		refused: func(s *scene) *answer { return s.post(nobody("/api/executions/*/pause"), `{}`) },
		target:  "execution", id: ofExecution, began: true, before: map[string]any{"status": "pending"}, after: map[string]any{"status": "paused"},
	},
	"resume": {
		do:      func(s *scene) *answer { return s.post(executionPath(s.execution)+"/resume", `{}`) },
		refused: func(s *scene) *answer { return s.post(executionPath(s.execution)+"/resume", `{"now": true}`) },
		target:  "execution", id: ofExecution, began: true, before: map[string]any{"status": "pending"}, after: map[string]any{"status": "running"},
	},
	"stop": {
		do:      func(s *scene) *answer { return s.post(executionPath(s.execution)+"/stop", `{"mode": "cancel"}`) },
		refused: func(s *scene) *answer { return s.post(executionPath(s.execution)+"/stop", `{"mode": "maybe"}`) },
		target:  "execution", id: ofExecution, began: true, before: map[string]any{"status": "pending"}, after: map[string]any{"status": "stopped"},
	},
	"setConcurrency": {
		do:      func(s *scene) *answer { return s.post(executionPath(s.execution)+"/concurrency", `{"value": 7}`) },
		refused: func(s *scene) *answer { return s.post(executionPath(s.execution)+"/concurrency", `{"value": 51}`) },
		target:  "execution", id: ofExecution, began: true, before: map[string]any{"concurrency": 10.0}, after: map[string]any{"concurrency": 7.0},
	},
	"bulkDeleteJobs": {
		do: func(s *scene) *answer {
			return s.post("/api/jobs/bulk/delete", map[string]any{"ids": []uuid.UUID{s.jobs[1].ID, uuid.New()}})
		},
		// Nothing that was asked for happens.
		refused: func(s *scene) *answer {
			return s.post("/api/jobs/bulk/delete", map[string]any{"ids": []uuid.UUID{uuid.New()}})
		},
		target: "job", before: map[string]any{"rows.0.row": 2.0, "rows.1": nil},
	},
	"bulkUpdateJobs": {
		do: func(s *scene) *answer {
			return s.post("/api/jobs/bulk/update", map[string]any{"jobs": []any{map[string]any{"id": s.jobs[0].ID, "site_url": "https://shop.example/new"}}})
		},
		refused: func(s *scene) *answer {
			return s.post("/api/jobs/bulk/update", map[string]any{"jobs": []any{map[string]any{"id": s.jobs[0].ID, "site_url": s.jobs[0].SiteURL}}})
		},
		target: "job",
		before: map[string]any{"rows.0.site_url": "https://shop.example/"}, after: map[string]any{"rows.0.site_url": "https://shop.example/new", "rows.1": nil},
	},
	"bulkRerunJobs": {
		do:      func(s *scene) *answer { return s.rerun(map[string]any{"ids": []uuid.UUID{s.jobs[0].ID}}) },
		refused: func(s *scene) *answer { return s.rerun(map[string]any{"ids": []uuid.UUID{uuid.New()}}) },
		target:  "execution",
		id: func(_ *scene, a *answer) string {
			return read[wire.RerunResponse](a, http.StatusAccepted).Executions[0].ID.String()
		},
		after: map[string]any{"executions.0.total_jobs": 1.0},
	},
	"updateJob": {
		do:      func(s *scene) *answer { return s.patch(jobPath(s.jobs[0]), `{"ground_truth": {"price": ["11.00"]}}`) },
		refused: func(s *scene) *answer { return s.patch(jobPath(s.jobs[0]), `{"ground_truth": {"none": ["11.00"]}}`) },
		target:  "job", id: ofJob,
		before: map[string]any{"version": 1.0, "ground_truth.price.0": "10.00"}, after: map[string]any{"version": 2.0, "ground_truth.price.0": "11.00"},
	},
	"deleteJob": {
		do:      func(s *scene) *answer { return s.remove(jobPath(s.jobs[0])) },
		refused: func(s *scene) *answer { return s.remove(jobPath(s.jobs[0]), "If-Match", `"9"`) },
		target:  "job", id: ofJob, before: map[string]any{"row": 1.0},
	},
	"updateOrganisation": {
		do:      func(s *scene) *answer { return s.patch(organisationPath, `{"name": "`+uuid.NewString()+`"}`) },
		refused: func(s *scene) *answer { return s.patch(organisationPath, `{"name": ""}`) },
		target:  "organisation", id: ofOrganisation, before: map[string]any{"slug": "default"}, after: map[string]any{"slug": "default"},
	},
	"addMember": {
		do: func(s *scene) *answer {
			return s.post(membersPath, `{"email": "`+uuid.NewString()+`@shop.example", "role": "member"}`)
		},
		refused: func(s *scene) *answer { return s.post(membersPath, `{"role": "member"}`) },
		target:  "member", id: idOfAnswer, after: map[string]any{"role": "member", "issuer": someIssuer},
	},
	"updateMember": {
		do:      func(s *scene) *answer { return s.patch(memberPath(s.member.UserID), `{"role": "admin"}`) },
		refused: func(s *scene) *answer { return s.patch(memberPath(s.member.UserID), `{"role": "viewer"}`) },
		target:  "member", id: ofMember, before: map[string]any{"role": "viewer"}, after: map[string]any{"role": "admin"},
	},
	"removeMember": {
		do:      func(s *scene) *answer { return s.remove(memberPath(s.member.UserID)) },
		refused: func(s *scene) *answer { return s.remove(nobody(membersPath + "/*")) },
		target:  "member", id: ofMember, before: map[string]any{"role": "viewer"},
	},
	"createKey": {
		do:      func(s *scene) *answer { return s.post(keysPath, `{"name": "x", "role": "viewer"}`) },
		refused: func(s *scene) *answer { return s.post(keysPath, `{"name": "x", "role": "god"}`) },
		target:  "key", id: idOfAnswer, after: map[string]any{"name": "x", "status": "active", "key": nil},
	},
	"rotateKey": {
		do:      func(s *scene) *answer { return s.post(keyPath(s.key.APIKey)+"/rotate", `{}`) },
		refused: func(s *scene) *answer { return s.post(nobody(keysPath+"/*/rotate"), `{}`) },
		target:  "key", id: ofKey, before: map[string]any{"name": "nightly"}, after: map[string]any{"name": "nightly", "key": nil},
	},
	"revokeKey": {
		do:      func(s *scene) *answer { return s.post(keyPath(s.key.APIKey)+"/revoke", `{}`) },
		refused: func(s *scene) *answer { return s.post(nobody(keysPath+"/*/revoke"), `{}`) },
		target:  "key", id: ofKey, before: map[string]any{"status": "active"}, after: map[string]any{"status": "revoked"},
	},
	"exportAudit": {
		do: func(s *scene) *answer {
			return s.get(auditPath + "/export?format=jsonl&target_id=" + s.key.ID.String())
		},
		refused: func(s *scene) *answer { return s.get(auditPath + "/export?format=xlsx") },
		target:  "audit", began: true, after: map[string]any{"format": "jsonl", "rows": 1.0},
	},
}

func (d done) idOf(s *scene, a *answer) string {
	if d.id == nil {
		return ""
	}
	return d.id(s, a)
}

// setupScenes starts an API in which tries end, and which keys and members can be made in.
func setupScenes(t *testing.T) *bundle {
	t.Helper()
	b := setupKeeper(t)
	b.orch.begun = func(e *models.Execution) {
		if e.Type == models.ExecutionTry {
			right(b, e)
		}
	}
	return b
}

// holds requires parts of what was written down, at their paths.
func holds(t *testing.T, raw json.RawMessage, want map[string]any) {
	t.Helper()
	if want == nil {
		require.Empty(t, raw)
		return
	}
	var got any
	require.NoError(t, json.Unmarshal(raw, &got), "%s", raw)
	for path, value := range want {
		at := got
		for part := range strings.SplitSeq(path, ".") {
			switch now := at.(type) {
			case map[string]any:
				at = now[part]
			case []any:
				var i int
				_, err := fmt.Sscan(part, &i)
				require.NoError(t, err)
				at = nil
				if i < len(now) {
					at = now[i]
				}
			}
		}
		require.Equal(t, value, at, "%s of %s", path, raw)
	}
}
