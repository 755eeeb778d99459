package api_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/models/field"
)

func TestProjectIsCreatedAndRead(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	created := b.post("/api/projects", `{
		"name": " Shop prices ", "instruction": "Find the price.", "executor": "fetch",
		"fields": [{"name": "price", "type": "money", "compare": {"comparer": "money", "tolerance": 0.5}}, {"name": "sku"}],
		"settings": {"timeout_ms": 5000}, "defaults": {"concurrency": 7, "preset": "FAST"}
	}`)
	p := read[wire.Project](created, http.StatusCreated)
	require.Equal(t, "Shop prices", p.Name, "a name has no white space around it")
	require.Equal(t, field.TypeText, p.Fields[1].Type, "a field is text when nothing is said")
	require.InDelta(t, 0.5, p.Fields[0].Compare.Tolerance, 0)
	require.JSONEq(t, `{"timeout_ms": 5000}`, string(p.Settings))
	require.Equal(t, 7, p.Defaults.Concurrency)
	require.EqualValues(t, 1, p.Version)
	require.Equal(t, "/api/projects/"+p.ID.String(), created.header.Get("Location"))
	require.Equal(t, `"1"`, created.header.Get("ETag"))
	require.False(t, p.CreatedAt.IsZero())
	require.Equal(t, "UTC", p.CreatedAt.Location().String())

	got := b.get("/api/projects/" + p.ID.String())
	require.Equal(t, p, read[wire.Project](got, http.StatusOK))
	require.Equal(t, `"1"`, got.header.Get("ETag"))
}

func TestProjectWithoutSettingsHasAnEmptyObject(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	p := read[wire.Project](b.post("/api/projects", shopProject), http.StatusCreated)
	require.JSONEq(t, `{}`, string(p.Settings))
}

func TestProjectNameIsTaken(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	b.post("/api/projects", shopProject).is(http.StatusCreated)
	taken := b.post("/api/projects", strings.Replace(shopProject, "Shop", "SHOP", 1)).problem(http.StatusConflict, wire.CodeConflict)
	require.Equal(t, wire.FieldTaken, at(t, taken, "name").Code)
}

func TestProjectIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	good := map[string]string{
		"name": `"x"`, "instruction": `"y"`, "executor": `"fetch"`, "fields": `[{"name": "price", "type": "money"}]`,
	}
	with := func(member, value string) string {
		members := map[string]string{member: value}
		for name, text := range good {
			if _, ok := members[name]; !ok {
				members[name] = text
			}
		}
		parts := make([]string, 0, len(members))
		for name, text := range members {
			if text != "" {
				parts = append(parts, fmt.Sprintf("%q: %s", name, text))
			}
		}
		return "{" + strings.Join(parts, ",") + "}"
	}
	long := func(n int) string { return `"` + strings.Repeat("ü", n) + `"` }
	tests := []struct {
		name  string
		body  string
		field string
		code  string
	}{
		{"NoName", with("name", ""), "name", wire.FieldRequired},
		{"BlankName", with("name", `"  "`), "name", wire.FieldRequired},
		{"LongName", with("name", long(201)), "name", "LENGTH_OUT_OF_RANGE"},
		{"NULInTheName", with("name", `"a\u0000b"`), "name", wire.FieldInvalid},
		{"NoInstruction", with("instruction", `" \n"`), "instruction", wire.FieldRequired},
		{"LongInstruction", with("instruction", long(20_001)), "instruction", "LENGTH_OUT_OF_RANGE"},
		{"NoFields", with("fields", ""), "fields", wire.FieldRequired},
		{"EmptyFields", with("fields", `[]`), "fields", wire.FieldRequired},
		{"UnknownType", with("fields", `[{"name": "a"}, {"name": "b"}, {"name": "c", "type": "price"}]`), "fields[2].type", "IN_INVALID"},
		{"BadFieldName", with("fields", `[{"name": "1a"}]`), "fields[0].name", "MATCH_INVALID"},
		{"FieldTwice", with("fields", `[{"name": "a"}, {"name": "A"}]`), "fields[1].name", wire.FieldInvalid},
		{"EnumWithoutValues", with("fields", `[{"name": "a", "type": "enum"}]`), "fields[0].values", wire.FieldInvalid},
		{"TwoSelectors", with("fields", `[{"name": "a", "extract": {"css": "b", "jsonpath": "$.c"}}]`), "fields[0].extract", wire.FieldInvalid},
		{"BadSelector", with("fields", `[{"name": "a", "extract": {"css": "[["}}]`), "fields[0].extract.css", wire.FieldInvalid},
		{"UnknownComparer", with("fields", `[{"name": "a", "compare": {"comparer": "same"}}]`), "fields[0].compare.comparer", "IN_INVALID"},
		{"NoExecutor", with("executor", ""), "executor", wire.FieldRequired},
		{"UnknownExecutor", with("executor", `"telepathy"`), "executor", wire.FieldInvalid},
		{"SettingsOutOfBounds", with("settings", `{"timeout_ms": 1}`), "settings.timeout_ms", ""},
		{"SettingsThatAreNoObject", with("settings", `[1]`), "settings", wire.FieldInvalid},
		{"NullSettings", with("settings", `null`), "settings", wire.FieldInvalid},
		{"NULInTheSettings", with("settings", `{"headers": {"a": "\u0000"}}`), "settings", wire.FieldInvalid},
		{"HugeNumberInTheSettings", with("settings", `{"timeout_ms": 1e999}`), "settings", wire.FieldInvalid},
		{"ConcurrencyAbove", with("defaults", `{"concurrency": 51}`), "defaults.concurrency", "MAX_LESS_EQUAL_THAN_REQUIRED"},
		{"ConcurrencyBelow", with("defaults", `{"concurrency": -1}`), "defaults.concurrency", "MIN_GREATER_EQUAL_THAN_REQUIRED"},
		{"JobTimeoutBelow", with("defaults", `{"job_timeout_ms": 999}`), "defaults.job_timeout_ms", "MIN_GREATER_EQUAL_THAN_REQUIRED"},
		{"JobTimeoutAbove", with("defaults", `{"job_timeout_ms": 3600001}`), "defaults.job_timeout_ms", "MAX_LESS_EQUAL_THAN_REQUIRED"},
		{"ToleranceOfNothing", with("defaults", `{"failure_tolerance": {"action": "fail"}}`), "defaults.failure_tolerance.max_failed", wire.FieldInvalid},
		{"ToleranceAbove", with("defaults", `{"failure_tolerance": {"max_failed_percent": 100.1}}`), "defaults.failure_tolerance.max_failed_percent", "MAX_LESS_EQUAL_THAN_REQUIRED"},
		{"UnknownPreset", with("defaults", `{"preset": "fast"}`), "defaults.preset", wire.FieldInvalid},
		{"RetryOutOfBounds", with("defaults", `{"retry": {"max_attempts": 101, "initial_interval_ms": 1, "backoff_coefficient": 1, "max_interval_ms": 1}}`), "defaults.retry.max_attempts", "MAX_LESS_EQUAL_THAN_REQUIRED"},
		{"PresetAndRetry", with("defaults", `{"preset": "FAST", "retry": {"max_attempts": 1, "initial_interval_ms": 1, "backoff_coefficient": 1, "max_interval_ms": 1}}`), "defaults.retry", wire.FieldInvalid},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			req := b.request(http.MethodPost, "/api/projects", "application/json", strings.NewReader(test.body))
			p := b.send(req).problem(http.StatusBadRequest, wire.CodeValidation)
			require.Equal(t, []string{test.field}, fieldsOf(p))
			if test.code != "" {
				require.Equal(t, test.code, p.Errors[0].Code)
			}
		})
	}
}

func TestProjectTellsAllThatIsWrongAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	p := b.post("/api/projects", `{
		"name": "", "instruction": "", "executor": "fetch", "settings": {"timeout_ms": 1, "max_redirects": 99},
		"fields": [{"name": "a", "extract": {"css": "[["}}, {"name": "b", "extract": {"jsonpath": "$["}}], "defaults": {"concurrency": 99, "preset": "?"}
	}`).problem(http.StatusBadRequest, wire.CodeValidation)
	require.Equal(t, []string{
		"defaults.concurrency", "defaults.preset", "fields[0].extract.css", "fields[1].extract.jsonpath",
		"instruction", "name", "settings.max_redirects", "settings.timeout_ms",
	}, fieldsOf(p))
}

func TestProjectsAreListed(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	empty := read[wire.Page[wire.Project]](b.get("/api/projects"), http.StatusOK)
	require.NotNil(t, empty.Data)
	require.Empty(t, empty.Data)
	require.False(t, empty.Pagination.HasMore)

	var want []uuid.UUID // newest first
	var last wire.Project
	for range 5 {
		last = b.project()
		want = append([]uuid.UUID{last.ID}, want...)
	}
	t.Run("PageByPage", func(t *testing.T) {
		t.Parallel()
		var got []uuid.UUID
		cursor := ""
		for pages := 1; ; pages++ {
			page := read[wire.Page[wire.Project]](b.get("/api/projects?limit=2&include_total=true&cursor="+cursor), http.StatusOK)
			require.EqualValues(t, 5, *page.Pagination.Total)
			for _, p := range page.Data {
				got = append(got, p.ID)
			}
			if cursor = page.Pagination.NextCursor; cursor == "" {
				require.False(t, page.Pagination.HasMore)
				require.Equal(t, 3, pages)
				break
			}
			require.True(t, page.Pagination.HasMore)
		}
		require.Equal(t, want, got)
	})
	t.Run("ByName", func(t *testing.T) {
		t.Parallel()
		page := read[wire.Page[wire.Project]](b.get("/api/projects?name="+strings.ReplaceAll(strings.ToUpper(last.Name), " ", "%20")), http.StatusOK)
		require.Len(t, page.Data, 1)
		require.Equal(t, last.ID, page.Data[0].ID)
		require.Nil(t, page.Pagination.Total)
	})
}

func TestProjectIsPatched(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	t.Run("PresentMembersReplaceAndAbsentOnesStay", func(t *testing.T) {
		t.Parallel()
		p := b.project()
		path := "/api/projects/" + p.ID.String()
		patched := b.patch(path, `{"instruction": "New.", "defaults": {"concurrency": 3}, "settings": {"timeout_ms": 2000}}`)
		got := read[wire.Project](patched, http.StatusOK)
		require.Equal(t, `"2"`, patched.header.Get("ETag"))
		require.EqualValues(t, 2, got.Version)
		require.Equal(t, "New.", got.Instruction)
		require.Equal(t, 3, got.Defaults.Concurrency)
		require.JSONEq(t, `{"timeout_ms": 2000}`, string(got.Settings))
		require.Equal(t, p.Name, got.Name)
		require.Equal(t, p.Fields, got.Fields)
		require.Equal(t, got, read[wire.Project](b.get(path), http.StatusOK))
	})
	t.Run("NothingChangesNothing", func(t *testing.T) {
		t.Parallel()
		p := b.project()
		require.Equal(t, p, read[wire.Project](b.patch("/api/projects/"+p.ID.String(), `{}`), http.StatusOK))
	})
	t.Run("TheWholeIsValidated", func(t *testing.T) {
		t.Parallel()
		p := b.project()
		path := "/api/projects/" + p.ID.String()
		problem := b.patch(path, `{"fields": [], "settings": {"timeout_ms": 1}}`).problem(http.StatusBadRequest, wire.CodeValidation)
		require.Equal(t, "fields", problem.Errors[0].Field)
		problem = b.patch(path, `{"name": null, "version": 9}`).problem(http.StatusBadRequest, wire.CodeValidation)
		require.Equal(t, []string{"name", "version"}, fieldsOf(problem))
		require.Equal(t, p, read[wire.Project](b.get(path), http.StatusOK))
	})
	t.Run("ATakenNameIsAConflict", func(t *testing.T) {
		t.Parallel()
		p, other := b.project(), b.project()
		b.patch("/api/projects/"+p.ID.String(), map[string]string{"name": other.Name}).problem(http.StatusConflict, wire.CodeConflict)
	})
	t.Run("AnUnknownOneIsNotFound", func(t *testing.T) {
		t.Parallel()
		b.patch("/api/projects/"+uuid.NewString(), `{"name": "x"}`).problem(http.StatusNotFound, wire.CodeProjectNotFound)
	})
}

func TestProjectPreconditions(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	p := b.project()
	path := "/api/projects/" + p.ID.String()
	b.patch(path, `{"instruction": "2"}`, "If-Match", `"1"`).is(http.StatusOK)
	b.patch(path, `{"instruction": "3"}`, "If-Match", `"1"`).problem(http.StatusPreconditionFailed, wire.CodePreconditionFailed)
	b.patch(path, `{"instruction": "3"}`, "If-Match", `W/"2"`).problem(http.StatusPreconditionFailed, wire.CodePreconditionFailed)
	malformed := b.patch(path, `{"instruction": "3"}`, "If-Match", `2`).problem(http.StatusBadRequest, wire.CodeInvalidParams)
	at(t, malformed, "If-Match")
	require.Equal(t, "2", read[wire.Project](b.get(path), http.StatusOK).Instruction)
	b.patch(path, `{"instruction": "3"}`, "If-Match", `"1", "2"`).is(http.StatusOK)
	b.patch(path, `{"instruction": "4"}`, "If-Match", `*`).is(http.StatusOK)
	b.patch(path, `{"instruction": "5"}`).is(http.StatusOK)
	require.EqualValues(t, 5, read[wire.Project](b.get(path), http.StatusOK).Version)
}

func TestProjectTakesConcurrentEdits(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	p := b.project()
	path := "/api/projects/" + p.ID.String()
	// Without If-Match each edit is made anew on what the others left: of four, none
	// can lose the race more than three times.
	edits := []string{`{"instruction": "new"}`, `{"name": "new"}`, `{"settings": {"timeout_ms": 4000}}`, `{"defaults": {"concurrency": 9}}`}
	results := make(chan error, len(edits))
	for _, edit := range edits {
		req := b.request(http.MethodPatch, path, "application/json", strings.NewReader(edit))
		go func() {
			resp, err := b.client.Do(req)
			if err == nil && resp.StatusCode != http.StatusOK {
				err = errors.New(resp.Status)
			}
			if err == nil {
				err = resp.Body.Close()
			}
			results <- err
		}()
	}
	for range edits {
		require.NoError(t, <-results)
	}
	got := read[wire.Project](b.get(path), http.StatusOK)
	require.EqualValues(t, 5, got.Version)
	require.Equal(t, "new", got.Instruction)
	require.Equal(t, "new", got.Name)
	require.JSONEq(t, `{"timeout_ms": 4000}`, string(got.Settings))
	require.Equal(t, 9, got.Defaults.Concurrency)
}
