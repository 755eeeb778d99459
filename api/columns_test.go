package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/ingest"
)

// missing requires a problem that names the columns that a batch lacks.
func missing(t *testing.T, a *answer, columns ...string) {
	t.Helper()
	p := a.problem(http.StatusBadRequest, wire.CodeValidation)
	fields := make([]string, len(columns))
	for i, column := range columns {
		fields[i] = "column " + column
		require.Equal(t, ingest.CodeMissingColumn, at(t, p, fields[i]).Code)
	}
	require.Equal(t, fields, fieldsOf(p))
}

func TestBatchHasTheColumnsThatItsProjectNeeds(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	for name, project := range map[string]string{
		"ThatSettingsReferTo": referringProject("{{site_url}}?sku={{sku}}", ""),
		"ThatItDeclares":      referringProject("", `, "inputs": ["sku"]`),
		"ThatItDoesBothWith":  referringProject("{{sku}}", `, "inputs": ["sku"]`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := read[wire.Project](b.post("/api/projects", project), http.StatusCreated)
			for kind, file := range map[string]string{
				"text/csv":             "site_url,%s\nhttps://shop.example/,5\n",
				"application/x-ndjson": `{"site_url": "https://shop.example/", "%s": 5}` + "\n",
				"application/json":     `{"rows": [{"site_url": "https://shop.example/", "%s": "5"}]}`,
			} {
				without, with := strings.Replace(file, "%s", "size", 1), strings.Replace(file, "%s", "sku", 1)
				missing(t, b.upload(p, kind, without), "sku")
				preview := read[wire.Preview](b.uploadTo("/api/batches/preview", p, kind, without), http.StatusOK)
				require.False(t, preview.CanBeCreated)
				require.Equal(t, ingest.CodeMissingColumn, preview.Problems[0].Code)
				require.Equal(t, "column sku", preview.Problems[0].Field)
				require.True(t, read[wire.Preview](b.uploadTo("/api/batches/preview", p, kind, with), http.StatusOK).CanBeCreated)
				b.upload(p, kind, with).is(http.StatusCreated)
			}
			form := part{name: "file", filename: "x.csv", contentType: "text/csv", content: "site_url\nhttps://shop.example/\n"}
			missing(t, b.uploadForm("?project_id="+p.ID.String(), form), "sku")
		})
	}
}

func TestExecutionOfABatchWithoutNeededColumnsIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	p := read[wire.Project](b.post("/api/projects", referringProject("", "")), http.StatusCreated)
	batch := read[wire.Batch](b.uploadCSV(p, "site_url,sku\nhttps://shop.example/,5\n"), http.StatusCreated)
	job := b.jobs(batch, "")[0]
	rerun := func(more string) *answer {
		return b.post("/api/jobs/bulk/rerun", `{"ids": ["`+job.ID.String()+`"]`+more+`}`)
	}
	path := "/api/projects/" + p.ID.String()
	b.patch(path, `{"settings": {"query": "{{colour}}{{sku}}"}, "inputs": ["sku", "size", "colour"]}`).is(http.StatusOK)
	missing(t, b.post(executePath(batch), `{"type": "production"}`), "size", "colour")
	missing(t, rerun(""), "size", "colour")

	b.patch(path, `{"settings": {}, "inputs": null}`).is(http.StatusOK)
	missing(t, rerun(`, "overrides": {"settings": {"query": "{{size}}"}}`), "size")
	require.Zero(t, b.orch.started())
	b.post(executePath(batch), `{"type": "production"}`).is(http.StatusAccepted)
	require.Equal(t, 1, b.orch.started())
}
