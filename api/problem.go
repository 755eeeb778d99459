package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/invopop/validation"
	"go.uber.org/zap"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/ingest"
	"github.com/minohq/mino/models"
)

const (
	problemType = "application/problem+json"
	// retryAfterSeconds is what a caller is told to wait while a part is away.
	retryAfterSeconds = 2
)

// problem is an error that knows its answer.
type problem struct {
	status int
	code   string
	detail string
	errors []wire.FieldError
	// headers are the answer's, beside those that every problem has.
	headers map[string]string
	// cause is logged, never shown.
	cause error
}

func (p *problem) Error() string {
	if p.cause != nil {
		return p.code + ": " + p.cause.Error()
	}
	return p.code + ": " + p.detail
}

func (p *problem) Unwrap() error { return p.cause }

func invalid(detail string, errs ...wire.FieldError) *problem {
	return &problem{status: http.StatusBadRequest, code: wire.CodeValidation, detail: detail, errors: errs}
}

func invalidParams(errs ...wire.FieldError) *problem {
	return &problem{
		status: http.StatusBadRequest, code: wire.CodeInvalidParams,
		detail: "a parameter of the request is not valid", errors: errs,
	}
}

func conflict(format string, args ...any) *problem {
	return &problem{status: http.StatusConflict, code: wire.CodeConflict, detail: fmt.Sprintf(format, args...)}
}

// known says how the sentinels of package models are answered. More special ones come
// before those that they wrap.
var known = []struct {
	err    error
	status int
	code   string
	detail string
	field  *wire.FieldError
}{
	{err: models.ErrProjectNotFound, status: http.StatusNotFound, code: wire.CodeProjectNotFound, detail: "there is no such project"},
	{err: models.ErrBatchNotFound, status: http.StatusNotFound, code: wire.CodeBatchNotFound, detail: "there is no such batch"},
	{err: models.ErrJobNotFound, status: http.StatusNotFound, code: wire.CodeJobNotFound, detail: "there is no such job"},
	{
		err: models.ErrExecutionNotFound, status: http.StatusNotFound, code: wire.CodeExecutionNotFound,
		detail: "there is no such execution",
	},
	{err: models.ErrNotFound, status: http.StatusNotFound, code: wire.CodeNotFound, detail: "there is no such record"},
	{
		err: models.ErrNameTaken, status: http.StatusConflict, code: wire.CodeConflict,
		detail: "another project has this name",
		field:  &wire.FieldError{Field: "name", Code: wire.FieldTaken, Message: "is the name of another project"},
	},
	{
		err: models.ErrBatchBusy, status: http.StatusConflict, code: wire.CodeConflict,
		detail: "the batch has an execution that has not ended",
	},
	{
		err: models.ErrJobBusy, status: http.StatusConflict, code: wire.CodeConflict,
		detail: "an execution that has not ended has the job; wait for its end, or stop it",
	},
	{
		err: models.ErrInUse, status: http.StatusConflict, code: wire.CodeConflict,
		detail: "other records belong to it; delete them too with cascade=true",
	},
	{
		err: models.ErrLastOwner, status: http.StatusConflict, code: wire.CodeLastOwner,
		detail: "an organisation keeps an owner: make somebody else one first",
	},
	{
		err: models.ErrKeyEnded, status: http.StatusConflict, code: wire.CodeConflict,
		detail: "the key was revoked or has expired; make a new one",
	},
	{err: models.ErrNoJobs, status: http.StatusConflict, code: wire.CodeConflict, detail: "there are no jobs to run"},
	{err: models.ErrRunEnded, status: http.StatusConflict, code: wire.CodeConflict, detail: "the run of the execution is not open"},
	{
		err: models.ErrVersionMismatch, status: http.StatusPreconditionFailed, code: wire.CodePreconditionFailed,
		detail: "the record was edited since you read it; read it again",
	},
	{err: models.ErrConflict, status: http.StatusConflict, code: wire.CodeConflict, detail: "the present state refuses the request"},
	{
		err: models.ErrUnavailable, status: http.StatusServiceUnavailable, code: wire.CodeUnavailable,
		detail: "a part of MINO cannot be reached; try again",
	},
	{
		err: context.DeadlineExceeded, status: http.StatusServiceUnavailable, code: wire.CodeUnavailable,
		detail: "the request took too long; try again",
	},
	{
		err: context.Canceled, status: http.StatusServiceUnavailable, code: wire.CodeUnavailable,
		detail: "the request was given up; try again",
	},
}

// asProblem finds the answer to an error. It is the one place that does.
func asProblem(err error) *problem {
	var p *problem
	if errors.As(err, &p) {
		return p
	}
	var upload *ingest.Error
	if errors.As(err, &upload) {
		return uploadProblem(upload)
	}
	if p = unknownCaller(err); p != nil {
		return p
	}
	var quota *models.QuotaError
	if errors.As(err, &quota) {
		return quotaProblem(quota, time.Now())
	}
	for _, k := range known {
		if errors.Is(err, k.err) {
			p = &problem{status: k.status, code: k.code, detail: k.detail, cause: err}
			if k.field != nil {
				p.errors = []wire.FieldError{*k.field}
			}
			return p
		}
	}
	var transport *fiber.Error
	if errors.As(err, &transport) {
		return transportProblem(transport)
	}
	return internalProblem(err)
}

// transportProblem answers what Fiber and its server refuse before a handler runs.
func transportProblem(err *fiber.Error) *problem {
	p := &problem{status: err.Code, cause: err}
	switch err.Code {
	case http.StatusNotFound:
		p.code, p.detail = wire.CodeNotFound, "nothing is served under this path"
	case http.StatusMethodNotAllowed:
		p.code, p.detail = wire.CodeMethodNotAllowed, "the path is not served with this method"
	case http.StatusRequestTimeout:
		p.code, p.detail = wire.CodeRequestTimeout, "the request did not arrive in time"
	case http.StatusRequestEntityTooLarge:
		p.code, p.detail = wire.CodePayloadTooLarge, "the body is too large"
	case http.StatusUpgradeRequired:
		p.code, p.detail = wire.CodeUpgradeRequired, "the path is served over WebSocket, version 13"
	case http.StatusRequestHeaderFieldsTooLarge:
		p.code, p.detail = wire.CodeHeadersTooLarge, "the headers are too large"
	case http.StatusBadRequest, http.StatusBadGateway: // Fiber's word for a connection that broke
		p.status, p.code, p.detail = http.StatusBadRequest, wire.CodeInvalidParams, "the request is not well-formed HTTP"
	default:
		return internalProblem(err)
	}
	return p
}

// internalProblem answers what is nobody's fault but ours.
func internalProblem(err error) *problem {
	p := &problem{
		status: http.StatusInternalServerError, code: wire.CodeInternal,
		detail: "something went wrong inside; the request id finds it in the log", cause: err,
	}
	// An error of the database has its SQLSTATE, whatever the driver.
	var sql interface{ SQLState() string }
	if errors.As(err, &sql) {
		p.code = wire.CodeDatabase
	}
	return p
}

// uploadProblem tells what is wrong with an upload, by row.
func uploadProblem(err *ingest.Error) *problem {
	out := make([]wire.FieldError, len(err.Problems))
	for i, p := range err.Problems {
		message := p.Message
		if p.Line > 0 && p.Line != p.Row+1 {
			message = fmt.Sprintf("%s (line %d of the file)", message, p.Line)
		}
		out[i] = wire.FieldError{Field: p.Place(), Code: p.Code, Message: message, Row: p.Row}
	}
	detail := fmt.Sprintf("the upload has %d problems; nothing was stored", len(out))
	switch {
	case err.Truncated:
		detail = fmt.Sprintf("the upload has %d or more problems, of which the first %d are shown; nothing was stored", len(out), len(out))
	case len(out) == 1:
		detail = "the upload has a problem; nothing was stored"
	}
	return invalid(detail, out...)
}

// answerError is Fiber's error handler: for what fails before the envelope.
func (s *server) answerError(c *fiber.Ctx, err error) error {
	s.identifyRequest(c)
	s.fail(c, err)
	return nil
}

// fail writes the answer to an error, and the log when it is a fault of ours.
func (s *server) fail(c *fiber.Ctx, err error) {
	p := asProblem(err)
	id := s.identifyRequest(c)
	log := s.Logger.With(zap.String("request_id", id), zap.String("method", c.Method()), zap.String("path", c.Path()))
	switch {
	case p.status == http.StatusServiceUnavailable:
		c.Set(fiber.HeaderRetryAfter, strconv.Itoa(retryAfterSeconds))
		log.Warn("a part is unavailable", zap.Error(err))
	case p.status >= http.StatusInternalServerError:
		log.Error("a request failed", zap.String("code", p.code), zap.Error(err))
	}
	for name, value := range p.headers {
		c.Set(name, value)
	}
	c.Status(p.status)
	writeErr := c.JSON(wire.Problem{
		Type: "about:blank", Title: http.StatusText(p.status), Status: p.status,
		Detail: p.detail, Code: p.code, Errors: p.errors, RequestID: id,
	}, problemType)
	if writeErr != nil {
		log.Error("a problem could not be written", zap.Error(writeErr))
		c.Status(http.StatusInternalServerError)
	}
}

// fieldErrors flattens the errors of package validation into paths: "fields[2].type".
func fieldErrors(err error) []wire.FieldError {
	var out []wire.FieldError
	flatten("", err, &out)
	return out
}

func flatten(path string, err error, out *[]wire.FieldError) {
	var nested validation.Errors
	if errors.As(err, &nested) {
		for _, key := range slices.SortedFunc(maps.Keys(nested), compareKeys) {
			flatten(joinPath(path, key), nested[key], out)
		}
		return
	}
	fe := wire.FieldError{Field: path, Code: wire.FieldInvalid, Message: err.Error()}
	var rule validation.Error
	if errors.As(err, &rule) && rule.Code() != "" {
		fe.Code = strings.ToUpper(strings.TrimPrefix(rule.Code(), "validation_"))
	}
	*out = append(*out, fe)
}

// compareKeys puts indices in their order and before names.
func compareKeys(a, b string) int {
	i, errA := strconv.Atoi(a)
	j, errB := strconv.Atoi(b)
	if errA == nil && errB == nil {
		return cmp.Compare(i, j)
	}
	return cmp.Compare(a, b)
}

// joinPath appends a member or an index to a path.
func joinPath(path, key string) string {
	if _, err := strconv.Atoi(key); err == nil && path != "" {
		return path + "[" + key + "]"
	}
	if path == "" {
		return key
	}
	return path + "." + key
}
