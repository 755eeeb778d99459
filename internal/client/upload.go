package client

import (
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"

	"github.com/google/uuid"

	"github.com/minohq/mino/api/wire"
)

// sourceError is a failure to read what is to be uploaded, as opposed to a failure
// to send it.
type sourceError struct{ err error }

func (e *sourceError) Error() string { return e.err.Error() }

// CreateBatchCSV uploads a CSV as a batch of a project. The file is streamed: it is
// never in memory as a whole. Its size bounds the time an upload takes, so only ctx
// ends it early. An empty name leaves the naming to the API.
//
// Errors: *Error names the rows and columns that are wrong; a failure of content is
// returned as it is.
func (c *Client) CreateBatchCSV(
	ctx context.Context, projectID uuid.UUID, name string, content io.Reader, filename string,
) (wire.Batch, error) {
	body, pipe := io.Pipe()
	form := multipart.NewWriter(pipe)
	go func() {
		// A server that refuses early closes the read end, which ends the copy.
		_ = pipe.CloseWithError(writeForm(form, projectID, name, content, filename))
	}()
	// Without a reader the copy would wait for ever.
	defer func() { _ = body.Close() }()

	req, err := c.request(ctx, call{method: http.MethodPost, path: "api/batches"}, body)
	if err != nil {
		return wire.Batch{}, err
	}
	req.Header.Set("Content-Type", form.FormDataContentType())
	var batch wire.Batch
	err = c.exchange(req, &batch)
	return batch, err
}

// writeForm writes the members before the file, so that the server knows them when
// the rows come.
func writeForm(form *multipart.Writer, projectID uuid.UUID, name string, content io.Reader, filename string) error {
	if err := form.WriteField("project_id", projectID.String()); err != nil {
		return err
	}
	if name != "" {
		if err := form.WriteField("name", name); err != nil {
			return err
		}
	}
	part, err := form.CreateFormFile("file", filename)
	if err != nil {
		return err
	}
	if _, err := io.Copy(part, reader{content}); err != nil {
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
