package api

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"path"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/ingest"
)

// formMemory is how much of a multipart upload is kept in memory; the rest goes to
// temporary files.
const formMemory = 1 << 20

// maxJSONRowsBytes bounds rows that are sent as one JSON document, which takes several
// times its size in memory; a CSV or JSON lines take next to none.
const maxJSONRowsBytes = 16 << 20

// receive reads the whole request, whatever its form.
func (s *server) receive(c *fiber.Ctx, q *query) (*upload, error) {
	kind, params, err := mediaType(c)
	if err != nil {
		return nil, err
	}
	up := &upload{projectID: q.id("project_id"), close: func() error { return nil }}
	switch {
	case kind == fiber.MIMEMultipartForm:
		if err = q.err(); err == nil {
			err = s.receiveForm(c, params["boundary"], up)
		}
	case isCSV(kind):
		up.format, up.charset = ingest.FormatCSV, params["charset"]
		up.name, up.columns = q.text("name"), q.columns()
		up.delimiter, up.duplicates = q.delimiter(), q.duplicates()
		if err = q.err(); err == nil {
			err = s.receiveFile(c, up)
		}
	case isJSONLines(kind):
		up.format, up.charset = ingest.FormatJSONLines, params["charset"]
		up.name, up.columns, up.duplicates = q.text("name"), q.columns(), q.duplicates()
		if err = q.err(); err == nil {
			err = s.receiveFile(c, up)
		}
	case isJSON(kind):
		if err = q.err(); err == nil {
			err = s.receiveJSON(c, up)
		}
	default:
		return nil, unsupported("an upload is multipart/form-data, text/csv, application/jsonl or application/json, not %s", kind)
	}
	if err == nil {
		err = up.complete()
	}
	if err != nil {
		return nil, errors.Join(err, up.close())
	}
	return up, nil
}

func isCSV(kind string) bool { return kind == "text/csv" || kind == "application/csv" }

func isJSONLines(kind string) bool {
	switch kind {
	case "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines":
		return true
	}
	return false
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

// receiveFile takes a body that is a CSV, or JSON lines, itself. Nothing in such a file
// says that it is whole, so the request must.
func (s *server) receiveFile(c *fiber.Ctx, up *upload) error {
	if c.Request().Header.ContentLength() < 0 {
		return &problem{
			status: http.StatusLengthRequired, code: wire.CodeLengthRequired,
			detail: "a file that is the body itself needs a Content-Length; a multipart form does not",
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
	up.from(file)
	return nil
}

// from has the rows read from a file.
func (up *upload) from(file io.ReadSeeker) {
	up.content = func() (any, error) { return sumOf(file) }
	up.table = func(opt ingest.Options) (*ingest.Table, error) {
		if up.format == ingest.FormatJSONLines {
			return ingest.JSONLines(file, opt)
		}
		return ingest.CSV(file, opt)
	}
}

// rowsRequest is wire.BatchRequest with its rows left as they came.
type rowsRequest struct {
	Name       string            `json:"name"`
	Columns    map[string]string `json:"columns"`
	Duplicates string            `json:"duplicates"`
	Rows       []json.RawMessage `json:"rows"`
}

func (s *server) receiveJSON(c *fiber.Ctx, up *upload) error {
	var req rowsRequest
	if err := readJSON(c, min(s.BodyLimit, maxJSONRowsBytes), &req); err != nil {
		return err
	}
	rule, err := duplicateRule(req.Duplicates)
	if err != nil {
		return invalid("the upload is not valid", wire.FieldError{Field: "duplicates", Code: wire.FieldInvalid, Message: err.Error()})
	}
	up.format, up.name, up.columns, up.duplicates = ingest.FormatJSON, req.Name, req.Columns, rule
	up.content = func() (any, error) { return req.Rows, nil }
	up.table = func(opt ingest.Options) (*ingest.Table, error) { return ingest.JSON(req.Rows, opt) }
	return nil
}

// receiveForm takes multipart: the part "file" and the optional ones of formParts, in
// any order. The file is a CSV, or JSON lines when its type or its name says so.
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
	up.columns = f.columns()
	up.delimiter, up.duplicates = f.delimiter(), f.duplicates()
	header := f.file()
	up.format = f.format(header)
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
	up.from(file)
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
