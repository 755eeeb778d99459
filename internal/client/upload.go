package client

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"

	"github.com/google/uuid"

	"github.com/minohq/mino/api/wire"
)

// sourceError is a failure to read what is to be uploaded, as opposed to a failure
// to send it.
type sourceError struct{ err error }

func (e *sourceError) Error() string { return e.err.Error() }

// Upload is a file of rows and how it is to be understood. What is empty is left to the
// API.
type Upload struct {
	ProjectID uuid.UUID
	// Name is the batch's.
	Name string
	// Content is the file. It is streamed, never in memory as a whole. When it can go
	// back to where it was (an io.Seeker), the upload is repeated like other calls.
	Content io.Reader
	// Filename is the file's; JSON lines when it ends in .jsonl or .ndjson, else a CSV.
	Filename string
	// Columns maps headers to roles.
	Columns map[string]string
	// Charset, Delimiter and Duplicates are as the API's document has them.
	Charset, Delimiter, Duplicates string
}

// CreateBatch uploads a file as a batch. The file's size bounds the time that takes, so
// only ctx ends it early.
//
// Errors: *Error names the rows and columns that are wrong; a failure of the content is
// returned as it is.
func (c *Client) CreateBatch(ctx context.Context, up Upload) (wire.Batch, error) {
	var batch wire.Batch
	err := c.upload(ctx, creating("api/batches", nil), up, &batch)
	return batch, err
}

// CreateBatchCSV uploads a CSV as CreateBatch does.
func (c *Client) CreateBatchCSV(
	ctx context.Context, projectID uuid.UUID, name string, content io.Reader, filename string,
) (wire.Batch, error) {
	return c.CreateBatch(ctx, Upload{ProjectID: projectID, Name: name, Content: content, Filename: filename})
}

// CreateBatchJSONLines uploads JSON objects, one a line, as CreateBatch does.
func (c *Client) CreateBatchJSONLines(ctx context.Context, projectID uuid.UUID, name string, content io.Reader) (wire.Batch, error) {
	return c.CreateBatch(ctx, Upload{ProjectID: projectID, Name: name, Content: content, Filename: "rows.jsonl"})
}

// PreviewBatch asks what an upload would come to, and makes nothing. rows is how many of
// its rows are to be shown, 1 to 100; 0 leaves it to the API.
func (c *Client) PreviewBatch(ctx context.Context, up Upload, rows int) (wire.Preview, error) {
	query := url.Values{}
	if rows != 0 {
		query.Set("rows", strconv.Itoa(rows))
	}
	var preview wire.Preview
	err := c.upload(ctx, call{
		method: http.MethodPost, path: "api/batches/preview", query: query, repeatable: true, keyed: true, // it changes nothing
	}, up, &preview)
	return preview, err
}

// upload sends a call with a file, again from its beginning when it is repeated.
func (c *Client) upload(ctx context.Context, call call, up Upload, out any) error {
	source, canGoBack := up.Content.(io.Seeker)
	var start int64
	if canGoBack {
		var err error
		if start, err = source.Seek(0, io.SeekCurrent); err != nil {
			canGoBack = false // a pipe has the method and not the ability
		}
	}
	if !canGoBack {
		call.repeatable = false
		return c.uploadOnce(ctx, call, up, out)
	}
	return c.repeat(ctx, call, func() error {
		if _, err := source.Seek(start, io.SeekStart); err != nil {
			return fmt.Errorf("read the file: %w", err)
		}
		return c.uploadOnce(ctx, call, up, out)
	})
}

func (c *Client) uploadOnce(ctx context.Context, call call, up Upload, out any) error {
	body, pipe := io.Pipe()
	form := multipart.NewWriter(pipe)
	written := make(chan struct{})
	go func() {
		defer close(written)
		// A server that refuses early closes the read end, which ends the copy.
		_ = pipe.CloseWithError(up.write(form))
	}()
	// Without a reader the copy would wait for ever; and it must be over before the
	// source is read again. One that is read once may be a terminal, which ends nothing.
	defer func() {
		_ = body.Close()
		if call.repeatable {
			<-written
		}
	}()
	req, err := c.request(ctx, call, body)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", form.FormDataContentType())
	return c.exchange(req, out)
}

// write writes the members before the file, so that the server knows them when the rows
// come.
func (up Upload) write(form *multipart.Writer) error {
	members := [][2]string{
		{"project_id", up.ProjectID.String()}, {"name", up.Name}, {"charset", up.Charset},
		{"delimiter", up.Delimiter}, {"duplicates", up.Duplicates},
	}
	if len(up.Columns) > 0 {
		columns, err := json.Marshal(up.Columns)
		if err != nil {
			return err
		}
		members = append(members, [2]string{"columns", string(columns)})
	}
	for _, member := range members {
		if member[1] == "" {
			continue
		}
		if err := form.WriteField(member[0], member[1]); err != nil {
			return err
		}
	}
	part, err := form.CreateFormFile("file", up.Filename)
	if err != nil {
		return err
	}
	if _, err := io.Copy(part, reader{up.Content}); err != nil {
		return err
	}
	return form.Close()
}

// reader marks what goes wrong while reading as the source's failure.
type reader struct{ source io.Reader }

func (r reader) Read(p []byte) (int, error) {
	n, err := r.source.Read(p)
	if err != nil && err != io.EOF {
		err = &sourceError{fmt.Errorf("read the file: %w", err)}
	}
	return n, err
}
