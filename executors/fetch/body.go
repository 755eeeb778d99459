package fetch

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/andybalholm/brotli"

	"github.com/minohq/mino/models/failure"
)

const acceptEncoding = "gzip, deflate, br"

// body reads an answer's body, decompressed. The limit holds for what comes over the
// network and for what it becomes, so that a small answer cannot grow without end.
func (a *attempt) body(response *http.Response, limit int64) ([]byte, error) {
	if response.Header.Get("Content-Encoding") == "" && response.ContentLength > limit {
		return nil, tooLarge(limit)
	}
	counted := &countingReader{from: response.Body, limit: limit}
	defer func() { a.bytes += counted.read }()
	decoded, err := decoder(counted, response.Header.Get("Content-Encoding"))
	if err != nil {
		return nil, readError(err, counted, limit)
	}
	var buffer bytes.Buffer
	n, err := buffer.ReadFrom(io.LimitReader(decoded, limit+1))
	if err != nil {
		return nil, readError(err, counted, limit)
	}
	if n > limit {
		return nil, tooLarge(limit)
	}
	return buffer.Bytes(), nil
}

func tooLarge(limit int64) error {
	return failure.New(failure.Permanent, CodeBodyTooLarge, "the body is larger than %d bytes", limit)
}

// readError tells a failure of the connection from one of what came over it.
func readError(err error, from *countingReader, limit int64) error {
	switch {
	case errors.Is(err, errTooLarge):
		return tooLarge(limit)
	case from.failed != nil:
		return fmt.Errorf("read the body: %w", from.failed)
	case errors.Is(err, errEncoding):
		return failure.Wrap(err, failure.Permanent, CodeContentEncoding, "%v", err)
	default:
		return failure.Wrap(err, failure.Transient, CodeContentEncoding, "the body could not be decompressed")
	}
}

var (
	errTooLarge = errors.New("the body is too large")
	errEncoding = errors.New("the content encoding is not supported")
)

// countingReader counts what it reads, remembers why it failed, and fails beyond its
// limit.
type countingReader struct {
	from   io.Reader
	limit  int64
	read   int64
	failed error
}

func (r *countingReader) Read(p []byte) (int, error) {
	n, err := r.from.Read(p)
	r.read += int64(n)
	if r.read > r.limit {
		return n, errTooLarge
	}
	if err != nil && !errors.Is(err, io.EOF) {
		r.failed = err
	}
	return n, err
}

// decoder undoes the content encodings, the last one first.
func decoder(from io.Reader, encodings string) (io.Reader, error) {
	list := strings.Split(encodings, ",")
	if len(list) > 3 {
		return nil, fmt.Errorf("%w: %d encodings", errEncoding, len(list))
	}
	for _, encoding := range slices.Backward(list) {
		var err error
		if from, err = decode(from, strings.ToLower(strings.TrimSpace(encoding))); err != nil {
			return nil, err
		}
	}
	return from, nil
}

func decode(from io.Reader, encoding string) (io.Reader, error) {
	switch encoding {
	case "", "identity":
		return from, nil
	case "gzip", "x-gzip":
		return gzipReader(from)
	case "br":
		return brotli.NewReader(from), nil
	case "deflate":
		return deflateReader(from)
	default:
		return nil, fmt.Errorf("%w: %q", errEncoding, encoding)
	}
}

// gzipReader takes an empty body for what it is: some servers announce an encoding
// and then have nothing to encode.
func gzipReader(from io.Reader) (io.Reader, error) {
	buffered := bufio.NewReader(from)
	if _, err := buffered.Peek(1); errors.Is(err, io.EOF) {
		return buffered, nil
	}
	return gzip.NewReader(buffered)
}

// deflateReader reads both things that servers call deflate: zlib, as the standard
// has it, and the bare stream.
func deflateReader(from io.Reader) (io.Reader, error) {
	buffered := bufio.NewReader(from)
	head, err := buffered.Peek(2)
	if err != nil && len(head) == 0 {
		return buffered, nil
	}
	if len(head) == 2 && head[0]&0x0f == 8 && (uint16(head[0])<<8|uint16(head[1]))%31 == 0 {
		return zlib.NewReader(buffered)
	}
	return flate.NewReader(buffered), nil
}
