package api

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"mime"
	"mime/multipart"
	"net/http"
	"path"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"
	"go.uber.org/zap"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/ingest"
	"github.com/minohq/mino/models"
)

// formMemory is how much of a multipart upload is kept in memory; the rest goes to
// temporary files.
const formMemory = 1 << 20

// maxJSONRowsBytes bounds rows that are sent as JSON, which takes several times its
// size in memory; a CSV takes next to none.
const maxJSONRowsBytes = 16 << 20

// upload is what a request to create a batch asks for, however it was sent.
type upload struct {
	projectID uuid.UUID
	name      string
	columns   map[string]string
	charset   string
	// table reads the rows under the project's fields.
	table func(ingest.Options) (*ingest.Table, error)
	// named is the name as it was given, content what stands for the rows.
	named   string
	content func() (any, error)
	// close drops what was spooled.
	close func() error
}

func (s *server) createBatch(c *fiber.Ctx) error {
	up, err := s.receive(c)
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
	request, err := up.request(c)
	if err != nil {
		return err
	}
	return s.create(c, request, func(once *models.Once) (reply, error) { return s.storeBatch(ctx, up, once) })
}

func (s *server) storeBatch(ctx context.Context, up *upload, once *models.Once) (reply, error) {
	project, err := s.Store.Project(ctx, organisation(ctx), up.projectID)
	if err != nil {
		return nil, err
	}
	table, err := up.table(ingest.Options{
		Fields: project.Fields, Columns: up.columns, MaxRows: s.MaxRows, Charset: up.charset,
	})
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
		return answerOf(http.StatusCreated, "/api/batches/"+batch.ID.String(), etag(batch.Version), batchAnswer(batch))
	}
	return answer, s.Store.CreateBatchOnce(ctx, batch, jobs(table), once.With(answer))
}

// request is what makes an upload the same as another one; it is only looked at under a
// key.
func (up *upload) request(c *fiber.Ctx) (any, error) {
	if c.Get(headerIdempotencyKey) == "" {
		return nil, nil //nolint:nilnil // nobody asks
	}
	content, err := up.content()
	return []any{up.projectID, up.named, up.columns, up.charset, content}, err
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

// receive reads the whole request, whatever its form.
func (s *server) receive(c *fiber.Ctx) (*upload, error) {
	kind, params, err := mediaType(c)
	if err != nil {
		return nil, err
	}
	q := readQuery(c)
	up := &upload{projectID: q.id("project_id"), close: func() error { return nil }}
	switch {
	case kind == fiber.MIMEMultipartForm:
		if err := q.err(); err != nil {
			return nil, err
		}
		err = s.receiveForm(c, params["boundary"], up)
	case kind == "text/csv" || kind == "application/csv":
		up.name, up.charset = q.text("name"), params["charset"]
		if err := q.err(); err != nil {
			return nil, err
		}
		err = s.receiveCSV(c, up)
	case isJSON(kind):
		if err := q.err(); err != nil {
			return nil, err
		}
		err = s.receiveJSON(c, up)
	default:
		return nil, unsupported("an upload is multipart/form-data, text/csv or application/json, not %s", kind)
	}
	if err == nil {
		err = up.complete()
	}
	if err != nil {
		return nil, errors.Join(err, up.close())
	}
	return up, nil
}

// complete checks what every upload must have.
func (up *upload) complete() error {
	if up.projectID == uuid.Nil {
		return invalidParams(wire.FieldError{
			Field: "project_id", Code: wire.FieldRequired, Message: "must say which project the batch is for",
		})
	}
	up.name = strings.TrimSpace(up.name)
	up.named = up.name
	if up.name == "" {
		up.name = "Upload of " + time.Now().UTC().Format("2006-01-02 15:04:05")
	}
	if utf8.RuneCountInString(up.name) > maxNameLength {
		return invalid("the upload is not valid", wire.FieldError{
			Field: "name", Code: "LENGTH_OUT_OF_RANGE", Message: "the length must be no more than 200",
		})
	}
	return nil
}

// receiveCSV takes a body that is a CSV itself. Nothing in a CSV says that it is
// whole, so the request must.
func (s *server) receiveCSV(c *fiber.Ctx, up *upload) error {
	if c.Request().Header.ContentLength() < 0 {
		return &problem{
			status: http.StatusLengthRequired, code: wire.CodeLengthRequired,
			detail: "a CSV that is the body itself needs a Content-Length; a multipart form does not",
		}
	}
	body, err := openBody(c, s.BodyLimit)
	if err != nil {
		return err
	}
	file, err := spool(body)
	if err != nil {
		return err
	}
	up.close = file.Close
	up.content = func() (any, error) { return sumOf(file) }
	up.table = func(opt ingest.Options) (*ingest.Table, error) { return ingest.CSV(file, opt) }
	return nil
}

// rowsRequest is wire.BatchRequest with its rows left as they came.
type rowsRequest struct {
	Name    string            `json:"name"`
	Columns map[string]string `json:"columns"`
	Rows    []json.RawMessage `json:"rows"`
}

func (s *server) receiveJSON(c *fiber.Ctx, up *upload) error {
	var req rowsRequest
	if err := readJSON(c, min(s.BodyLimit, maxJSONRowsBytes), &req); err != nil {
		return err
	}
	up.name, up.columns = req.Name, req.Columns
	up.content = func() (any, error) { return req.Rows, nil }
	up.table = func(opt ingest.Options) (*ingest.Table, error) { return ingest.JSON(req.Rows, opt) }
	return nil
}

// receiveForm takes multipart: the part "file" and the optional parts "project_id",
// "name", "columns" (JSON from header to role) and "charset", in any order.
func (s *server) receiveForm(c *fiber.Ctx, boundary string, up *upload) error {
	body, err := openBody(c, s.BodyLimit)
	if err != nil {
		return err
	}
	form, err := multipart.NewReader(body, boundary).ReadForm(formMemory)
	if err != nil {
		return malformedForm(err)
	}
	up.close = form.RemoveAll
	f := formReader{form: form}
	f.projectID(up)
	up.name = f.text("name")
	up.charset = f.text("charset")
	f.columns(up)
	header := f.file()
	f.unknown()
	if len(f.errors) > 0 {
		return invalid("the upload is not valid", f.errors...)
	}
	if up.name == "" {
		up.name = nameOf(header.Filename)
	}
	if _, params, err := mime.ParseMediaType(header.Header.Get(fiber.HeaderContentType)); err == nil && up.charset == "" {
		up.charset = params["charset"]
	}
	file, err := header.Open()
	if err != nil {
		return err
	}
	up.close = func() error { return errors.Join(file.Close(), form.RemoveAll()) }
	up.content = func() (any, error) { return sumOf(file) }
	up.table = func(opt ingest.Options) (*ingest.Table, error) { return ingest.CSV(file, opt) }
	return nil
}

func malformedForm(err error) error {
	var p *problem
	var transport *fiber.Error
	switch {
	case errors.As(err, &p), errors.As(err, &transport):
		return err
	case errors.Is(err, multipart.ErrMessageTooLarge):
		return &problem{
			status: http.StatusRequestEntityTooLarge, code: wire.CodePayloadTooLarge,
			detail: "the form has too many parts, or one that is no file is too large", cause: err,
		}
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return invalid("the multipart body ends before its last boundary")
	}
	out := invalid("the multipart body is not well formed")
	out.cause = err
	return out
}

// nameOf makes a batch's name of a file's.
func nameOf(filename string) string {
	base := path.Base(strings.ReplaceAll(filename, `\`, "/"))
	name := strings.TrimSuffix(base, path.Ext(base))
	if !storable(name) || name == "." || name == "/" {
		return ""
	}
	if runes := []rune(name); len(runes) > maxNameLength {
		name = string(runes[:maxNameLength])
	}
	return name
}
