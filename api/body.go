package api

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"os"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/minohq/mino/api/wire"
)

// maxJSONBytes bounds a JSON body that is no upload.
const maxJSONBytes = 1 << 20

// bodyReader reads a body as it arrives and keeps its limit: streaming takes bodies of
// any size, so this is where they end. It also tells a body that ended from a client
// that left, which fasthttp does not, as long as the body has a Content-Length.
type bodyReader struct {
	stream io.Reader
	left   int64
	limit  int
	// missing is what is still to come; negative when the length is not known.
	missing int64
}

// openBody begins to read the body of a request. What is known to be too large is
// refused unread.
func openBody(c *fiber.Ctx, limit int) (*bodyReader, error) {
	if encoding := c.Get(fiber.HeaderContentEncoding); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return nil, unsupported("a body must not have the Content-Encoding %q", encoding)
	}
	length := c.Request().Header.ContentLength()
	if length > limit {
		return nil, tooLarge(limit)
	}
	stream := c.Context().RequestBodyStream()
	if stream == nil {
		stream, length = bytes.NewReader(nil), 0
	}
	return &bodyReader{stream: stream, left: int64(limit), limit: limit, missing: int64(length)}, nil
}

// Read implements io.Reader. It fails when the body turns out larger than its limit.
func (b *bodyReader) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, tooLarge(b.limit)
	}
	// One byte more than is left tells a body that ends here from one that does not.
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.stream.Read(p)
	b.missing -= int64(n)
	if b.left -= int64(n); b.left < 0 {
		return 0, tooLarge(b.limit)
	}
	if errors.Is(err, io.EOF) && b.missing > 0 {
		err = io.ErrUnexpectedEOF
	}
	return n, received(err)
}

// received says what the failure of a connection means for the request.
func received(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return err
	}
	var network net.Error
	if errors.As(err, &network) && network.Timeout() {
		return fiber.ErrRequestTimeout
	}
	return &problem{
		status: http.StatusBadRequest, code: wire.CodeInvalidParams,
		detail: "the body did not arrive whole", cause: err,
	}
}

func tooLarge(limit int) *problem {
	return &problem{
		status: http.StatusRequestEntityTooLarge, code: wire.CodePayloadTooLarge,
		detail: fmt.Sprintf("the body is larger than %d bytes", limit),
	}
}

func unsupported(format string, args ...any) *problem {
	return &problem{
		status: http.StatusUnsupportedMediaType, code: wire.CodeUnsupportedMediaType, detail: fmt.Sprintf(format, args...),
	}
}

// mediaType gives the type of the body and its parameters; both are empty when the
// request names none.
func mediaType(c *fiber.Ctx) (kind string, params map[string]string, err error) {
	header := c.Get(fiber.HeaderContentType)
	if header == "" {
		return "", nil, nil
	}
	kind, params, err = mime.ParseMediaType(header)
	if err != nil {
		return "", nil, unsupported("the Content-Type %q is not well formed", header)
	}
	return kind, params, nil
}

func isJSON(kind string) bool {
	return kind == "" || kind == fiber.MIMEApplicationJSON ||
		strings.HasPrefix(kind, "application/") && strings.HasSuffix(kind, "+json")
}

// readJSON decodes the body into a request, strictly. No body at all is an empty
// object, so that a request whose members are all optional needs none.
func readJSON(c *fiber.Ctx, limit int, into any) error {
	kind, _, err := mediaType(c)
	if err != nil {
		return err
	}
	body, err := openBody(c, limit)
	if err != nil {
		return err
	}
	raw, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	if len(raw) == 0 {
		raw = []byte("{}")
	} else if !isJSON(kind) {
		return unsupported("the body is %s; send application/json", kind)
	}
	return decode(raw, into)
}

// spool keeps a body on disk until it is closed, so that it is read at the speed of
// the disk and not of the client.
func spool(body io.Reader) (_ io.ReadSeekCloser, err error) {
	file, err := os.CreateTemp("", "mino-upload-*")
	if err != nil {
		return nil, fmt.Errorf("spool an upload: %w", err)
	}
	spooled := &spoolFile{File: file}
	defer func() {
		if err != nil {
			err = errors.Join(err, spooled.Close())
		}
	}()
	if _, err = io.Copy(file, body); err != nil {
		return nil, err
	}
	if _, err = file.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("spool an upload: %w", err)
	}
	return spooled, nil
}

type spoolFile struct{ *os.File }

// Close removes the file.
func (s *spoolFile) Close() error {
	return errors.Join(s.File.Close(), os.Remove(s.Name()))
}
