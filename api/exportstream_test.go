package api_test

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/minohq/mino/api"
	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/testfactory"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/audit"
)

// largeExport is the path of an export that no buffers on the way can hold.
func largeExport(t *testing.T, b *bundle) (path string, rows int) {
	t.Helper()
	rows = 2_000
	batch := b.batch(b.project(), rows)
	_, err := b.db.ExecContext(t.Context(), `UPDATE batches SET columns = columns || '[{"name": "text", "role": "input"}]' WHERE id = ?`, batch.ID)
	require.NoError(t, err)
	_, err = b.db.ExecContext(t.Context(), `UPDATE jobs SET input = jsonb_build_object('text', 'before ' || repeat('x', 20000)) WHERE batch_id = ?`, batch.ID)
	require.NoError(t, err)
	return "/api/batches/" + batch.ID.String() + "/export", rows
}

// beginExport asks for an export and reads its first line, or its first bytes.
func (b *bundle) beginExport(t *testing.T, path string) (*http.Response, *bufio.Reader) {
	t.Helper()
	resp, err := b.client.Do(b.request(http.MethodGet, path, "", nil))
	require.NoError(t, err)
	t.Cleanup(func() { _ = resp.Body.Close() })
	require.Equal(t, http.StatusOK, resp.StatusCode)
	require.Equal(t, []string{"chunked"}, resp.TransferEncoding)
	body := bufio.NewReader(resp.Body)
	_, err = body.Peek(1)
	require.NoError(t, err)
	return resp, body
}

func (b *bundle) logged(message string) int { return b.logs.FilterMessage(message).Len() }

// querying counts the queries of exports that run in the test's database.
func (b *bundle) querying(t *testing.T) (n int) {
	t.Helper()
	err := b.db.NewRaw(`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
		AND state = 'active' AND query LIKE '%row_number%'`).Scan(t.Context(), &n)
	require.NoError(t, err)
	return n
}

// isFree waits until no export has a connection or a query.
func (b *bundle) isFree(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool { return b.scoped.Stats().InUse == 0 }, waitTime, tick)
	require.Eventually(t, func() bool { return b.querying(t) == 0 }, waitTime, tick)
}

func TestExportIsOneSnapshotWhileOthersWrite(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	for _, format := range []string{"csv", "jsonl"} {
		path, rows := largeExport(t, b)
		_, body := b.beginExport(t, path+"?columns=row,status,input.text&format="+format)
		require.Zero(t, b.logged("an export ended"), "it is under way")
		_, err := b.db.ExecContext(t.Context(), `UPDATE jobs SET input = jsonb_build_object('text', 'after'), row_number = row_number + 100000 WHERE row_number <= 100000 AND row_number % 2 = 1`)
		require.NoError(t, err)
		_, err = b.db.ExecContext(t.Context(), `DELETE FROM jobs WHERE row_number % 2 = 0`)
		require.NoError(t, err)
		all, err := io.ReadAll(body)
		require.NoError(t, err)
		require.Equal(t, rows, strings.Count(string(all), "before "), "every row is as it was")
		require.NotContains(t, string(all), "after")
		require.Eventually(t, func() bool { return b.logged("an export ended") == 1 }, waitTime, tick)
		b.logs.TakeAll()
		later := b.get(path + "?columns=row,status,input.text&format=" + format).is(http.StatusOK)
		require.Equal(t, rows/2, strings.Count(string(later.body), "after"))
		require.NotContains(t, string(later.body), "before")
		b.logs.TakeAll()
	}
}

func TestClientThatLeavesEndsTheQuery(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	path, _ := largeExport(t, b)
	for _, format := range []string{"csv", "json"} {
		resp, _ := b.beginExport(t, path+"?format="+format)
		require.Equal(t, 1, b.scoped.Stats().InUse)
		require.Equal(t, 1, b.querying(t))
		require.NoError(t, resp.Body.Close())
		b.isFree(t)
	}
	require.Eventually(t, func() bool { return b.logged("the client of an export left") == 2 }, waitTime, tick)
	require.Zero(t, b.logged("an export ended"))
	b.get(path + "?columns=row").is(http.StatusOK)
}

func TestClientThatDoesNotReadIsLeft(t *testing.T) {
	t.Parallel()
	b := setup(t, func(cfg *api.Config) { cfg.ReadTimeout = 300 * time.Millisecond })
	path, _ := largeExport(t, b)
	_, body := b.beginExport(t, path)
	b.isFree(t)
	_, err := io.Copy(io.Discard, body)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

func TestExportThatBreaksOffIsNotTakenForWhole(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"csv", "json", "jsonl"} {
		t.Run(strings.ToUpper(format), func(t *testing.T) {
			t.Parallel()
			b := setup(t, nil)
			path, _ := largeExport(t, b)
			_, body := b.beginExport(t, path+"?format="+format)
			var killed int
			err := b.db.NewRaw(`SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
				WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = 'active'`).Scan(t.Context(), &killed)
			require.NoError(t, err)
			require.Equal(t, 1, killed)
			_, err = io.Copy(io.Discard, body)
			require.ErrorIs(t, err, io.ErrUnexpectedEOF)
			require.Eventually(t, func() bool { return b.logged("an export was broken off") == 1 }, waitTime, tick)
			b.isFree(t)
		})
	}
}

// exportStore exports rows of its own making.
type exportStore struct {
	api.Store

	rows func(ctx context.Context, each func(*models.ExportedJob) error) error
}

func (s exportStore) ExportJobs(
	ctx context.Context, _ uuid.UUID, f models.JobFilter,
	begin func(*models.ExportHead) (models.JobParts, error), each func(*models.ExportedJob) error,
) error {
	if _, err := begin(&models.ExportHead{Batch: &models.Batch{ID: f.BatchID, Name: "rows"}}); err != nil {
		return err
	}
	return s.rows(ctx, each)
}

// Audit keeps nothing: what is written down of exports is proven elsewhere, and takes time
// of PostgreSQL's, of which these exports have little.
func (exportStore) Audit(context.Context, uuid.UUID, *audit.Note, audit.Outcome) error { return nil }

func exporting(rows func(context.Context, func(*models.ExportedJob) error) error) func(*api.Config) {
	return func(cfg *api.Config) {
		cfg.Store, cfg.RequestTimeout, cfg.MaxExports = exportStore{cfg.Store, rows}, 200*time.Millisecond, 1
	}
}

func TestExportThatFailsBeforeItsFirstBytesIsAnswered(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		rows   func(context.Context, func(*models.ExportedJob) error) error
		status int
		code   string
	}{
		{"PostgreSQLIsAway", func(context.Context, func(*models.ExportedJob) error) error {
			return fmt.Errorf("%w: secret host", models.ErrUnavailable)
		}, http.StatusServiceUnavailable, wire.CodeUnavailable},
		{"NoRowComesInTime", func(ctx context.Context, _ func(*models.ExportedJob) error) error {
			<-ctx.Done()
			return ctx.Err()
		}, http.StatusServiceUnavailable, wire.CodeUnavailable},
		{"AnyError", func(context.Context, func(*models.ExportedJob) error) error {
			return errors.New("the secret is out")
		}, http.StatusInternalServerError, wire.CodeInternal},
		{"AFaultAfterSomeRows", func(_ context.Context, each func(*models.ExportedJob) error) error {
			return errors.Join(each(&models.ExportedJob{RowNumber: 1}), fmt.Errorf("select: %w", sqlError{}))
		}, http.StatusInternalServerError, wire.CodeDatabase},
		{"APanic", func(context.Context, func(*models.ExportedJob) error) error { panic("the secret is out") }, http.StatusInternalServerError, wire.CodeInternal},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, exporting(test.rows))
			for _, format := range []string{"csv", "json", "jsonl", "xlsx"} { // the one place is free again each time
				a := b.get("/api/batches/" + uuid.NewString() + "/export?format=" + format)
				a.problem(test.status, test.code)
				require.NotContains(t, string(a.body), "secret")
				require.Empty(t, a.header.Get("Content-Disposition"))
				require.Equal(t, test.status == http.StatusServiceUnavailable, a.header.Get("Retry-After") != "")
			}
		})
	}
}

func TestExportMayTakeLongerThanARequest(t *testing.T) {
	t.Parallel()
	var took time.Duration
	b := setup(t, exporting(func(ctx context.Context, each func(*models.ExportedJob) error) error {
		begun := time.Now()
		ticker := time.NewTicker(50 * time.Millisecond)
		defer ticker.Stop()
		for row := range 10 {
			select {
			case <-ticker.C:
			case <-ctx.Done():
				return ctx.Err()
			}
			if err := each(&models.ExportedJob{RowNumber: row + 1}); err != nil {
				return err
			}
		}
		took = time.Since(begun)
		return nil
	}))
	got := readCSV(t, b.get("/api/batches/"+uuid.NewString()+"/export?columns=row").is(http.StatusOK).body)
	require.Len(t, got.rows, 10)
	require.Greater(t, took, 400*time.Millisecond, "longer than the 200 ms of a request")
}

func TestExportsAreBounded(t *testing.T) {
	t.Parallel()
	begun, release := make(chan struct{}), make(chan struct{})
	b := setup(t, func(cfg *api.Config) {
		exporting(func(_ context.Context, each func(*models.ExportedJob) error) error {
			close(begun)
			<-release
			return each(&models.ExportedJob{RowNumber: 1})
		})(cfg)
		cfg.RequestTimeout = time.Minute
	})
	path := "/api/batches/" + uuid.NewString() + "/export?columns=row"
	done := make(chan *http.Response, 1)
	request := b.request(http.MethodGet, path, "", nil)
	go func() {
		resp, err := b.client.Do(request)
		if err == nil {
			_ = resp.Body.Close()
		}
		done <- resp
	}()
	<-begun
	a := b.get(path)
	a.problem(http.StatusServiceUnavailable, wire.CodeUnavailable)
	require.NotEmpty(t, a.header.Get("Retry-After"))
	close(release)
	require.Equal(t, http.StatusOK, (<-done).StatusCode)
}

func TestExportsAreLogged(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	batch := b.batch(b.project(), 3)
	a := b.get("/api/batches/" + batch.ID.String() + "/export?format=xlsx").is(http.StatusOK)
	id := zap.String("request_id", a.header.Get("X-Request-Id"))
	require.Eventually(t, func() bool { return b.logs.FilterField(id).FilterMessage("an export ended").Len() == 1 }, waitTime, tick)
	logged := b.logs.FilterField(id)
	require.EqualValues(t, 3, logged.FilterMessage("an export ended").All()[0].ContextMap()["rows"])
	require.EqualValues(t, -1, logged.FilterMessage("request").All()[0].ContextMap()["bytes"], "it is not read to be measured")
}

func TestWorkbooksOfExportsAreRemoved(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	b := setup(t, nil)
	// A workbook is zipped: what is the same in every row would take no room on the way.
	noise := make([]byte, 15_000)
	batch := testfactory.Batch(t, b.store, testfactory.Project(t, b.store, nil), 1_000, func(j *models.Job) {
		_, _ = rand.Read(noise) // never fails
		j.GroundTruth = map[string][]string{"price": {base64.StdEncoding.EncodeToString(noise)}}
	})
	path := "/api/batches/" + batch.ID.String() + "/export"
	spooled := func() int {
		entries, err := os.ReadDir(dir)
		require.NoError(t, err)
		n := 0
		for _, e := range entries {
			if strings.HasPrefix(e.Name(), "mino-export-") {
				n++
			}
		}
		return n
	}
	resp, _ := b.beginExport(t, path+"?format=xlsx")
	require.Equal(t, 1, spooled())
	require.NoError(t, resp.Body.Close())
	b.isFree(t)
	require.Eventually(t, func() bool { return spooled() == 0 }, waitTime, tick, "after the client left")
	b.get(path + "?format=xlsx&columns=row").is(http.StatusOK)
	require.Eventually(t, func() bool { return spooled() == 0 }, waitTime, tick, "at the end")
}
