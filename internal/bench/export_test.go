package bench

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"runtime"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/minohq/mino/internal/client"
	"github.com/minohq/mino/internal/testfactory"
	"github.com/minohq/mino/internal/testkit"
	"github.com/minohq/mino/models"
)

const (
	exportRows   = 100_000
	exportRounds = 5
)

// copiedJobs is the columns that an export reads of jobs when none are chosen.
const copiedJobs = `COPY (
	SELECT row_number, id, site_url, input, ground_truth, result, comparison, status, verdict, accuracy, attempt,
	       error_class, error_code, error_message, execution_id, started_at, finished_at
	FROM jobs WHERE batch_id = '%s' ORDER BY row_number) TO STDOUT`

// BenchmarkExport exports jobs that have ended as a CSV through the API over HTTP, in turn
// with COPY of the same rows, both read to their end and dropped; then it holds the heap
// that the large export needs against that of a small one.
func BenchmarkExport(b *testing.B) {
	for b.Loop() {
		db := testkit.Database(b)
		s := &system{b: b, db: db, store: testkit.Store(b, db)} // nothing runs
		c := s.api()
		large := s.finished(jobs(b, exportRows))
		small := s.finished(jobs(b, exportRows) / 10)
		var exports, copies []float64
		for range exportRounds {
			exports = append(exports, milliseconds(timed(func() { exported(b, c, large) })))
			copies = append(copies, milliseconds(timed(func() { copied(b, s.db, large) })))
		}
		exportTime.recordAgainst(b, median(exports), median(copies))
		exportHeap.recordAgainst(b, megabytes(heapOf(b, c, large)), megabytes(heapOf(b, c, small)))
	}
}

func timed(f func()) time.Duration {
	begun := time.Now()
	f()
	return time.Since(begun)
}

// finished makes a batch whose jobs have all been completed, with a result and a
// comparison.
func (s *system) finished(rows int) *models.Batch {
	s.b.Helper()
	p := testfactory.Project(s.b, s.store, nil)
	batch := testfactory.Batch(s.b, s.store, p, rows, nil)
	e := testfactory.Execution(s.b, s.store, p, batch, nil)
	_, err := s.db.ExecContext(s.b.Context(), `
		UPDATE jobs SET status = 'completed', attempt = 1, verdict = 'correct', matched = 1, compared = 1, accuracy = 1, gt_evaluated = true,
			result = '{"price": {"amount": "10.00", "currency": "EUR"}, "sku": "A-1234"}',
			comparison = '{"price": {"match": true, "comparer": "money", "expected": ["10.00"], "actual": {"amount": "10.00", "currency": "EUR"}}}',
			started_at = now(), finished_at = now() + interval '1 second'
		WHERE execution_id = ?`, e.ID)
	require.NoError(s.b, err)
	_, err = s.db.ExecContext(s.b.Context(), "VACUUM (ANALYZE) jobs")
	require.NoError(s.b, err)
	return batch
}

func exported(b *testing.B, c *client.Client, batch *models.Batch) {
	b.Helper()
	n, err := c.ExportJobs(b.Context(), batch.ID, url.Values{"format": {"csv"}}, io.Discard)
	require.NoError(b, err)
	require.Greater(b, n, int64(batch.RowCount)*100)
}

func copied(b *testing.B, db *bun.DB, batch *models.Batch) {
	b.Helper()
	err := onPgx(b.Context(), db, func(conn *pgx.Conn) error {
		tag, err := conn.PgConn().CopyTo(b.Context(), io.Discard, fmt.Sprintf(copiedJobs, batch.ID))
		if err == nil && tag.RowsAffected() != int64(batch.RowCount) {
			err = fmt.Errorf("%d rows", tag.RowsAffected())
		}
		return err
	})
	require.NoError(b, err)
}

func onPgx(ctx context.Context, db *bun.DB, f func(*pgx.Conn) error) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	return conn.Raw(func(driver any) error { return f(driver.(*stdlib.Conn).Conn()) })
}

// heapOf is the live heap of this process, the API and its client, at its highest during an
// export: it is looked at, after a collection, each time that a part of the export has come.
func heapOf(b *testing.B, c *client.Client, batch *models.Batch) uint64 {
	b.Helper()
	const looks = 20
	exported(b, c, batch) // what is made once is there
	seen := &heapWriter{every: int64(batch.RowCount) * 200 / looks}
	_, err := c.ExportJobs(b.Context(), batch.ID, nil, seen)
	require.NoError(b, err)
	require.GreaterOrEqual(b, seen.looks, looks/2)
	return seen.highest
}

func liveHeap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// heapWriter drops what it is given, and looks at the heap now and then.
type heapWriter struct {
	every, written, next int64
	highest              uint64
	looks                int
}

func (h *heapWriter) Write(p []byte) (int, error) {
	h.written += int64(len(p))
	if h.written >= h.next {
		h.next = h.written + h.every
		h.highest = max(h.highest, liveHeap())
		h.looks++
	}
	return len(p), nil
}
