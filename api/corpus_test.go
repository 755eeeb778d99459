package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api"
	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/ingest/corpus"
)

// TestCorpusIsTakenOrRefusedWhole sends all that people upload, in both forms in which a
// CSV may come.
func TestCorpusIsTakenOrRefusedWhole(t *testing.T) {
	t.Parallel()
	b := setup(t, func(cfg *api.Config) { cfg.BodyLimit = corpus.Large + 1<<20 })
	p := b.project()
	batches, rows := int64(0), int64(0)
	for _, file := range corpus.Files() {
		content := file.Content()
		kind := "text/csv"
		if file.Charset != "" {
			kind += "; charset=" + file.Charset
		}
		preview := read[wire.Preview](b.uploadTo("/api/batches/preview", p, kind, content), http.StatusOK)
		require.Equal(t, file.Good(), preview.CanBeCreated, file.Name)
		answers := []*answer{b.upload(p, kind, content)}
		if len(content) < 1<<20 {
			answers = append(answers, b.uploadForm("?project_id="+p.ID.String(), part{name: "file", filename: "x.csv", contentType: kind, content: content}))
		}
		for _, a := range answers {
			if file.Good() {
				require.Equal(t, file.Rows, read[wire.Batch](a, http.StatusCreated).RowCount, file.Name)
				batches, rows = batches+1, rows+int64(file.Rows)
				continue
			}
			problem := a.problem(http.StatusBadRequest, wire.CodeValidation)
			require.Len(t, problem.Errors, 1, file.Name)
			require.Equal(t, file.Place, problem.Errors[0].Field, file.Name)
			require.Equal(t, file.Code, problem.Errors[0].Code, file.Name)
			require.Equal(t, file.Place, preview.Problems[0].Field, file.Name)
		}
	}
	storedBatches, storedJobs := b.stored()
	require.Equal(t, batches, storedBatches)
	require.Equal(t, rows, storedJobs)
}
