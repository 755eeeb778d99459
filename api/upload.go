package api

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"iter"
	"net/http"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"
	"go.uber.org/zap"

	"github.com/minohq/mino/internal/ingest"
	"github.com/minohq/mino/models"
)

// upload is what a request to create or preview a batch asks for, however it was sent.
type upload struct {
	projectID  uuid.UUID
	name       string
	columns    map[string]string
	charset    string
	delimiter  rune
	duplicates ingest.DuplicateRule
	// table reads the rows under the project's fields.
	table func(ingest.Options) (*ingest.Table, error)
	// named is the name as it was given, content what stands for the rows.
	named   string
	content func() (any, error)
	// format is how the rows are written.
	format ingest.Format
	// close drops what was spooled.
	close func() error
}

func (s *server) createBatch(c *fiber.Ctx) error {
	return s.withUpload(c, readQuery(c), func(ctx context.Context, up *upload) error {
		request, err := up.request(c)
		if err != nil {
			return err
		}
		return s.create(c, request, func(once *models.Once) (reply, error) { return s.storeBatch(ctx, up, once) })
	})
}

// withUpload receives the upload of a request and has it dealt with.
func (s *server) withUpload(c *fiber.Ctx, q *query, do func(context.Context, *upload) error) error {
	up, err := s.receive(c, q)
	if err != nil {
		return err
	}
	defer func() {
		if err := up.close(); err != nil {
			s.Logger.Warn("a spooled upload could not be removed", zap.Error(err))
		}
	}()
	// The time to answer begins when the upload is there.
	ctx, cancel := context.WithTimeout(c.UserContext(), s.RequestTimeout)
	defer cancel()
	c.SetUserContext(ctx)
	return do(ctx, up)
}

func (s *server) storeBatch(ctx context.Context, up *upload, once *models.Once) (reply, error) {
	project, err := s.Store.Project(ctx, organisation(ctx), up.projectID)
	if err != nil {
		return nil, err
	}
	table, err := up.table(s.ingestOptions(up, project))
	if err != nil {
		return nil, err
	}
	batch := &models.Batch{
		ID:             models.NewID(),
		OrganisationID: project.OrganisationID,
		ProjectID:      project.ID,
		Name:           up.name,
		Columns:        table.Columns,
	}
	answer := func() (models.Answer, error) {
		out := batchAnswer(batch)
		out.Duplicates = duplicatesAnswer(table.Duplicates())
		return answerOf(http.StatusCreated, "/api/batches/"+batch.ID.String(), etag(batch.Version), out)
	}
	note(ctx).About(targetBatch, batch.ID.String()).Changes(nil, noted(func() any { return batchAnswer(batch) }))
	return answer, s.Store.CreateBatchOnce(ctx, batch, jobs(table), once.With(answer))
}

func (s *server) ingestOptions(up *upload, project *models.Project) ingest.Options {
	return ingest.Options{
		Fields: project.Fields, Columns: up.columns, Needs: s.neededColumns(project), MaxRows: s.MaxRows,
		Charset: up.charset, Delimiter: up.delimiter, Duplicates: up.duplicates,
	}
}

// request is what makes an upload the same as another one; it is only looked at under a
// key.
func (up *upload) request(c *fiber.Ctx) (any, error) {
	if c.Get(headerIdempotencyKey) == "" {
		return nil, nil //nolint:nilnil // nobody asks
	}
	content, err := up.content()
	request := []any{up.projectID, up.named, up.columns, up.charset, content}
	// Keys outlive an update of the API, so what is new counts where it is asked for.
	if up.delimiter != 0 || up.duplicates != "" || up.format == ingest.FormatJSONLines {
		request = append(request, up.delimiter, up.duplicates, up.format)
	}
	return request, err
}

// sumOf is the content of a file, which is read from its beginning afterwards too.
func sumOf(file io.ReadSeeker) (any, error) {
	h := sha256.New()
	if _, err := io.Copy(h, file); err != nil {
		return nil, fmt.Errorf("read an upload: %w", err)
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("read an upload: %w", err)
	}
	return h.Sum(nil), nil
}

// jobs makes the job of every row.
func jobs(table *ingest.Table) iter.Seq2[*models.Job, error] {
	return func(yield func(*models.Job, error) bool) {
		for row, err := range table.Rows() {
			if err != nil {
				yield(nil, err)
				return
			}
			job := &models.Job{
				ID: models.NewID(), RowNumber: row.Number, SiteURL: row.SiteURL, Input: row.Input, GroundTruth: row.GroundTruth,
			}
			if !yield(job, nil) {
				return
			}
		}
	}
}
