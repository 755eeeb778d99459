package api

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
	"go.uber.org/zap"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/export"
	"github.com/minohq/mino/models"
)

const (
	// exportTime bounds an export altogether: as long as it reads, PostgreSQL cannot clean
	// up what was deleted since it began.
	exportTime = time.Hour
	// exportBuffer is how much is written at once.
	exportBuffer = 64 << 10
)

var (
	errClientLeft = errors.New("the client left before the export had ended")
	errTooSlow    = errors.New("PostgreSQL gave no row in time")
)

// exporter writes the rows of one export. It belongs to the goroutine that reads them.
type exporter struct {
	exportRequest

	out    *bufio.Writer
	writer export.Writer
	of     string // what the file is called after, such as the batch
	rows   int
	// noted writes down that the export begins.
	noted func() error
	// idle ends the export when PostgreSQL gives no row for too long. It does not run
	// while a row is written, for which the client has a time of its own.
	idle    *time.Timer
	patient time.Duration
}

// begin writes the header of the table. What is refused comes before it: nothing is
// written down of that.
func (x *exporter) begin(of string, names []string) (err error) {
	x.of = of
	if err := x.noted(); err != nil {
		return err
	}
	if x.writer, err = export.NewWriter(x.out, x.format, x.options); err != nil {
		return err
	}
	return x.writer.Header(names)
}

// writeRow writes a record as a row.
func writeRow[R any](x *exporter, table *export.Table[R], record *R) error {
	x.idle.Stop()
	defer x.idle.Reset(x.patient)
	cells, err := table.Cells(record)
	if err != nil {
		return err
	}
	x.rows++
	return x.writer.Row(cells)
}

// run reads and writes the whole export.
func (x *exporter) run(ctx context.Context, read func(context.Context, *exporter) error) (err error) {
	defer func() {
		if x.writer != nil {
			err = errors.Join(err, x.writer.Close())
		}
	}()
	err = read(ctx, x)
	x.idle.Stop()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return err
	}
	if err := x.writer.Finish(); err != nil {
		return err
	}
	return x.out.Flush()
}

// sendExport answers with what read gives to the exporter. What goes wrong before the
// first bytes are there is answered as ever. What goes wrong later breaks the answer off
// without its end, so that the client does not take it for whole; so does the end of what
// it was asked for with.
func (s *server) sendExport(c *fiber.Ctx, request exportRequest, read func(context.Context, *exporter) error) error {
	if !c.Request().Header.IsHTTP11() {
		return &problem{
			status: http.StatusBadRequest, code: wire.CodeInvalidParams,
			detail: "an export needs HTTP/1.1: with HTTP/1.0 nobody could tell whether it is whole",
		}
	}
	org := organisation(c.UserContext())
	if !s.exports.take(org) {
		return &problem{
			status: http.StatusServiceUnavailable, code: wire.CodeUnavailable,
			detail: "as many exports run as may at once; try again", cause: errors.New("too many exports at once"),
		}
	}
	// The handler returns before the rows have been read, and its context ends with it.
	ctx, stop := context.WithTimeout(context.WithoutCancel(c.UserContext()), exportTime)
	ctx, cancel := context.WithCancelCause(ctx)
	reader, pipe := io.Pipe()
	x := &exporter{
		exportRequest: request, out: bufio.NewWriterSize(pipe, exportBuffer), patient: s.RequestTimeout,
		idle: time.AfterFunc(s.RequestTimeout, func() { cancel(errors.Join(errTooSlow, models.ErrUnavailable)) }),
	}
	x.noted = func() error { return s.noteExport(ctx, x) }
	body := &exportBody{
		pipe: reader, buffered: bufio.NewReaderSize(reader, exportBuffer), cancel: cancel, done: make(chan struct{}),
		request: c.Context(), patient: s.ReadTimeout,
	}
	log := s.Logger.With(zap.String("request_id", s.identifyRequest(c)), zap.String("path", c.Path()))
	asked := s.standing(c)
	go asked.watch(ctx, func(err error) {
		cancel(err)
		_ = pipe.CloseWithError(err) // the client may not be reading
	})
	go func() {
		defer close(body.done)
		defer stop()
		defer s.exports.give(org)
		started := time.Now()
		err := recovered(func() error { return x.run(ctx, read) })
		x.idle.Stop()
		// Before the end, so that whoever has the whole file finds that it was taken.
		s.noteExported(ctx, log, x, err)
		_ = pipe.CloseWithError(err) // nil is the end
		logExport(log, x, time.Since(started), err)
	}()
	if _, err := body.buffered.Peek(1); err != nil && !errors.Is(err, io.EOF) {
		<-body.done
		return err
	}
	c.Set(fiber.HeaderContentType, contentType(x.format))
	c.Set(fiber.HeaderContentDisposition, attachment(x.of+"-"+x.kind, string(x.format)))
	c.Set(fiber.HeaderCacheControl, "no-store")
	c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	if x.negotiated {
		c.Vary(fiber.HeaderAccept)
	}
	c.Context().SetBodyStream(body, -1)
	return nil
}

func contentType(f export.Format) string {
	if f == export.CSV {
		return f.MediaType() + "; charset=utf-8; header=present"
	}
	return f.MediaType()
}

func logExport(log *zap.Logger, x *exporter, took time.Duration, err error) {
	fields := []zap.Field{
		zap.String("format", string(x.format)), zap.Int("rows", x.rows), zap.Duration("duration", took),
	}
	switch {
	case err == nil:
		log.Info("an export ended", fields...)
	case errors.Is(err, errClientLeft):
		log.Info("the client of an export left", fields...)
	case x.rows == 0 && asProblem(err).status < http.StatusInternalServerError:
		// Refused, and answered as such.
	default:
		log.Warn("an export was broken off", append(fields, zap.Error(err))...)
	}
}

// exportBody is an export on its way to the client. The server reads it on the
// connection's goroutine, and closes it when the client is gone or all is written.
type exportBody struct {
	pipe     *io.PipeReader
	buffered *bufio.Reader
	cancel   context.CancelCauseFunc
	done     chan struct{}
	request  *fasthttp.RequestCtx // in use as long as the answer is written
	patient  time.Duration
}

// Read implements io.Reader. What it gives must be taken within the time that a client
// has for a request.
func (b *exportBody) Read(p []byte) (int, error) {
	n, err := b.buffered.Read(p)
	if n == 0 {
		return n, err
	}
	return n, errors.Join(err, b.request.SetWriteDeadline(time.Now().Add(b.patient)))
}

// WriteTo implements io.WriterTo; each write is a chunk of the answer.
func (b *exportBody) WriteTo(w io.Writer) (written int64, err error) {
	piece := make([]byte, exportBuffer)
	for {
		n, err := b.Read(piece)
		if n > 0 {
			n, writeErr := w.Write(piece[:n])
			written += int64(n)
			err = errors.Join(err, writeErr)
		}
		if errors.Is(err, io.EOF) {
			return written, nil
		}
		if err != nil {
			return written, err
		}
	}
}

// SupportsBodyWriteTo has the server use WriteTo: it would send 4 KiB at a time.
func (b *exportBody) SupportsBodyWriteTo() bool { return true }

// Close implements io.Closer. It returns when the export has ended and the connection to
// PostgreSQL is free.
func (b *exportBody) Close() error {
	b.cancel(errClientLeft)
	_ = b.pipe.CloseWithError(errClientLeft)
	<-b.done
	return nil
}
