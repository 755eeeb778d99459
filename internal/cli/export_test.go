package cli

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api/wire"
)

// exporter answers exports, and hands on what was asked of it.
func exporter(t *testing.T, answer http.HandlerFunc) (base string, asked <-chan *url.URL) {
	t.Helper()
	urls := make(chan *url.URL, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		urls <- r.URL
		answer(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL, urls
}

func TestExport(t *testing.T) {
	t.Parallel()
	batch := uuid.New()
	const content = "row,gt_price\n1,10.00\n"
	whole := func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, content) }
	broken := func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, content)
		_ = http.NewResponseController(w).Flush()
		cut(w, r)
	}
	files := func(t *testing.T, dir string) (names []string) {
		t.Helper()
		entries, err := os.ReadDir(dir)
		require.NoError(t, err)
		for _, entry := range entries {
			names = append(names, entry.Name())
		}
		return names
	}

	t.Run("OfABatchGoesToStandardOutput", func(t *testing.T) {
		t.Parallel()
		base, asked := exporter(t, whole)
		said := commandLineOf(t, Streams{}, "export", batch.String(), "--api", base, "--columns", "row", "--columns", "gt_a,b",
			"--status", "failed", "--no-ground-truth").ok()
		require.Equal(t, content, said.out)
		require.Empty(t, said.errs)
		at := <-asked
		require.Equal(t, "/api/batches/"+batch.String()+"/export", at.Path)
		require.Equal(t, url.Values{
			"format": {"csv"}, "columns": {"row", "gt_a,b"}, "status": {"failed"}, "has_ground_truth": {"false"},
		}, at.Query())
	})

	t.Run("OfAnExecutionGoesToAFileWhoseNameSaysItsFormat", func(t *testing.T) {
		t.Parallel()
		base, asked := exporter(t, whole)
		path := filepath.Join(t.TempDir(), "attempts.JSONL")
		said := commandLineOf(t, Streams{}, "export", "--execution", batch.String(), "-o", path, "--api", base).ok()
		require.Empty(t, said.out)
		require.Equal(t, "Wrote "+path+": 21 bytes\n", said.errs)
		written, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, content, string(written))
		require.Equal(t, []string{"attempts.JSONL"}, files(t, filepath.Dir(path)))
		at := <-asked
		require.Equal(t, "/api/executions/"+batch.String()+"/sessions/export?format=jsonl", at.RequestURI())
	})

	t.Run("ThatBreaksOffLeavesNoFile", func(t *testing.T) {
		t.Parallel()
		base, _ := exporter(t, broken)
		path := filepath.Join(t.TempDir(), "jobs.csv")
		commandLineOf(t, Streams{}, "export", batch.String(), "-o", path, "--api", base).fails(ExitUnreachable)
		require.Empty(t, files(t, filepath.Dir(path)))
	})

	t.Run("SaysWhatIsWrong", func(t *testing.T) {
		t.Parallel()
		base, _ := exporter(t, problem(http.StatusNotFound, "BATCH_NOT_FOUND", "There is no such batch."))
		run := func(args ...string) spoken {
			return commandLineOf(t, Streams{OutTerminal: true}, append(args, "--api", base)...)
		}
		run("export").fails(ExitRefused, "give the id of a batch, or --execution")
		run("export", batch.String(), "--format", "odd").fails(ExitRefused, "--format")
		run("export", batch.String(), "--format", "xlsx").fails(ExitOther, "not for a terminal")
		run("export", "--execution", batch.String(), "--host", "x").fails(ExitRefused, "host: not for the attempts")
		run("export", batch.String()).fails(ExitRefused, "(BATCH_NOT_FOUND)")
		run("export", batch.String(), "-o", filepath.Join(t.TempDir(), "no", "x.csv")).fails(ExitOther, "could not write the export")
	})
}

func TestExportOfTheRealAPI(t *testing.T) {
	t.Parallel()
	api := newRealAPI(t)
	batch, jobs := api.batch(api.project())
	e := api.executed(batch, jobs)
	id := batch.ID.String()

	said := api.mino("export", id, "--columns", "row", "--columns", "gt_price", "--columns", "result.price", "--verdict", "correct,wrong").ok()
	require.Equal(t, "row,gt_price,result.price\n1,10.00,10.00 EUR\n2,10.00,9.00 EUR\n", strings.ReplaceAll(said.out, "\r\n", "\n"))
	require.Empty(t, said.errs)
	require.Len(t, many[map[string]any](api.mino("export", id, "--format", "jsonl", "--has-ground-truth")), 3)
	require.Len(t, one[[]map[string]any](api.mino("export", id, "--format", "JSON", "--execution", e.ID.String())), 4)
	require.Len(t, many[map[string]any](api.mino("export", "--execution", e.ID.String(), "--format", "jsonl", "--status", "failed")), 1)

	path := filepath.Join(t.TempDir(), "jobs.xlsx")
	api.mino("export", id, "-o", path).ok()
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "PK", string(content[:2]))

	api.mino("export", id, "--columns", "odd").fails(ExitRefused, "(INVALID_PARAMS)", "columns: ")
	api.mino("export", uuid.NewString()).fails(ExitRefused, "(BATCH_NOT_FOUND)")

	// What is exported can be corrected and set.
	edited := api.mino("export", id, "--columns", "job_id", "--columns", "gt_price", "--verdict", "wrong").ok().out
	corrected := file(t, "corrected.csv", strings.Replace(edited, "10.00", "9.00", 1))
	require.Equal(t, 1, one[wire.GroundTruthResponse](api.mino("truth", "set", id, corrected, "--json")).Rescored)
}
