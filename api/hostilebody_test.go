package api_test

import (
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
)

// taken are bodies that the operations with a JSON body take, of the records of a scene:
// where they are sent, and what they hold.
var taken = map[string]func(*scene) (path, body string){
	"createProject": func(*scene) (string, string) {
		return "/api/projects", strings.Replace(shopProject, "Shop prices", uuid.NewString(), 1)
	},
	"updateProject": func(s *scene) (string, string) {
		return "/api/projects/" + s.project.ID.String(), `{"instruction": "The price."}`
	},
	"execute": func(s *scene) (string, string) {
		return "/api/projects/" + s.project.ID.String() + "/batches/" + s.batch.ID.String() + "/execute", `{"type": "production"}`
	},
	"tryProject": func(s *scene) (string, string) {
		return "/api/projects/" + s.project.ID.String() + "/try", `{"site_url": "https://shop.example/1"}`
	},
	"createBatch": func(s *scene) (string, string) {
		return "/api/batches?project_id=" + s.project.ID.String(), `{"name": "more", "rows": [{"site_url": "https://shop.example/1"}]}`
	},
	"previewBatch": func(s *scene) (string, string) {
		return "/api/batches/preview?project_id=" + s.project.ID.String(), `{"name": "more", "rows": [{"site_url": "https://shop.example/1"}]}`
	},
	"updateBatch": func(s *scene) (string, string) {
		return "/api/batches/" + s.batch.ID.String(), `{"name": "renamed"}`
	},
	"setGroundTruth": func(s *scene) (string, string) {
		return "/api/batches/" + s.batch.ID.String() + "/ground-truth", `{"rows": [{"row": 1, "ground_truth": {"price": ["1.00 EUR"]}}]}`
	},
	"pause":  func(s *scene) (string, string) { return "/api/executions/" + s.execution.ID.String() + "/pause", `{}` },
	"resume": func(s *scene) (string, string) { return "/api/executions/" + s.execution.ID.String() + "/resume", `{}` },
	"stop": func(s *scene) (string, string) {
		return "/api/executions/" + s.execution.ID.String() + "/stop", `{"mode": "drain"}`
	},
	"setConcurrency": func(s *scene) (string, string) {
		return "/api/executions/" + s.execution.ID.String() + "/concurrency", `{"value": 3}`
	},
	"bulkDeleteJobs": func(s *scene) (string, string) {
		return "/api/jobs/bulk/delete", `{"ids": ["` + s.jobs[0].ID.String() + `"]}`
	},
	"bulkUpdateJobs": func(s *scene) (string, string) {
		return "/api/jobs/bulk/update", `{"jobs": [{"id": "` + s.jobs[0].ID.String() + `", "site_url": "https://shop.example/2"}]}`
	},
	"bulkRerunJobs": func(s *scene) (string, string) {
		return "/api/jobs/bulk/rerun", `{"ids": ["` + s.jobs[0].ID.String() + `"]}`
	},
	"updateJob": func(s *scene) (string, string) {
		return "/api/jobs/" + s.jobs[0].ID.String(), `{"site_url": "https://shop.example/2"}`
	},
	"updateOrganisation": func(*scene) (string, string) { return "/api/organisation", `{"name": "Ours"}` },
	"addMember": func(*scene) (string, string) {
		return "/api/members", `{"email": "` + uuid.NewString() + `@example.org", "role": "viewer"}`
	},
	"updateMember": func(s *scene) (string, string) {
		return "/api/members/" + s.member.UserID.String(), `{"role": "member"}`
	},
	"createKey": func(*scene) (string, string) { return "/api/keys", `{"name": "one more", "role": "viewer"}` },
	"rotateKey": func(s *scene) (string, string) {
		return "/api/keys/" + s.key.ID.String() + "/rotate", `{"grace_seconds": 60}`
	},
	"revokeKey":    func(s *scene) (string, string) { return "/api/keys/" + s.key.ID.String() + "/revoke", `{}` },
	"createTicket": func(*scene) (string, string) { return "/api/tickets", `{}` },
}

// ofOthers are members that answers have, or that the database has, and that a request
// might try to set: those of every schema of the document, and these.
var ofOthers = []string{
	"organisation_id", "organisation", "hash", "hash_key_id", "created_by", "is_admin", "permissions", "issuer", "subject", "user_id",
	"limits", "max_jobs_per_day", "workflow_id", "total_jobs", "completed_jobs", "claimed", "Name", "NAME", "__proto__", "constructor",
}

// members lists the members of all schemas of the document, and ofOthers.
func members(t *testing.T) []string {
	t.Helper()
	c, err := readDocument()
	require.NoError(t, err)
	all := map[string]bool{}
	for _, name := range ofOthers {
		all[name] = true
	}
	for _, schema := range c.document.Components.Schemas {
		for name := range schema.Value.Properties {
			all[name] = true
		}
	}
	require.Greater(t, len(all), 100)
	return slices.Sorted(maps.Keys(all))
}

// allowed are the members that the body of an operation may have.
func allowed(t *testing.T, id string) map[string]bool {
	t.Helper()
	c, err := readDocument()
	require.NoError(t, err)
	names := map[string]bool{}
	for _, item := range c.document.Paths.Map() {
		for _, operation := range item.Operations() {
			if operation.OperationID != id || operation.RequestBody == nil {
				continue
			}
			if media := operation.RequestBody.Value.Content.Get("application/json"); media != nil {
				schema := media.Schema.Value
				for _, part := range append(slices.Concat(schema.OneOf, schema.AnyOf, schema.AllOf), media.Schema) {
					for name := range part.Value.Properties {
						names[name] = true
					}
				}
			}
		}
	}
	return names
}

// TestBodiesThatWantMore sends every operation that takes a JSON body, one by one, each
// member that any record has and the body may not have, then bodies that are deep, packed
// or twice what they are. All are refused and change nothing; without them the body is
// taken.
func TestBodiesThatWantMore(t *testing.T) {
	t.Parallel()
	b := setupScenes(t)
	all := members(t)
	var withBody []string
	methods := map[string]string{}
	for _, o := range operations(t) {
		methods[o.id] = o.method
		if o.method == http.MethodPost || o.method == http.MethodPatch || o.method == http.MethodPut {
			withBody = append(withBody, o.id)
		}
	}
	require.ElementsMatch(t, withBody, slices.Collect(maps.Keys(taken)), "say of each operation that takes a body what it takes")

	for _, id := range withBody {
		s := b.scene()
		path, body := taken[id](s)
		send := func(contentType, encoding, text string) *answer {
			req := b.request(methods[id], path, contentType, strings.NewReader(text))
			if encoding != "" {
				req.Header.Set("Content-Encoding", encoding)
			}
			return b.send(req)
		}
		before, may := b.dump(), allowed(t, id)
		inner := strings.TrimSpace(strings.TrimPrefix(body, "{"))
		for _, name := range all {
			if may[name] {
				continue
			}
			member, err := json.Marshal(name)
			require.NoError(t, err)
			comma := ","
			if inner == "}" {
				comma = ""
			}
			a := send("application/json", "", fmt.Sprintf(`{%s: "x"%s %s`, member, comma, inner))
			require.Equal(t, http.StatusBadRequest, a.status, "%s with %s: %s", id, name, a.body)
			var p wire.Problem
			require.NoError(t, json.Unmarshal(a.body, &p))
			require.True(t, slices.ContainsFunc(p.Errors, func(e wire.FieldError) bool {
				return e.Field == name && e.Code == wire.FieldUnknown
			}), "%s with %s: %s", id, name, a.body)
		}
		deep := strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000)
		for what, a := range map[string]*answer{
			"deep":   send("application/json", "", `{"deep": `+deep+`}`),
			"packed": send("application/json", "gzip", "\x1f\x8b not even that"),
			"twice":  send("application/json", "", body+body),
			"text":   send("text/plain", "", body),
		} {
			require.GreaterOrEqual(t, a.status, http.StatusBadRequest, "%s, %s: %s", id, what, a.body)
			require.Less(t, a.status, http.StatusInternalServerError, "%s, %s: %s", id, what, a.body)
		}
		require.Equal(t, before, b.dump(), id)
		a := send("application/json", "", body)
		require.Less(t, a.status, http.StatusBadRequest, "%s without more: %s", id, a.body)
	}
}
