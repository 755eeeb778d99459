package agent

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/minohq/mino/models/failure"
)

const runsPath = "/v1/runs"

func runPath(id string) string { return runsPath + "/" + url.PathEscape(id) }

// createError is a create that gave no run.
type createError struct {
	cause error
	// certain says that no run was begun; otherwise one may be.
	certain bool
}

func (e *createError) Error() string { return e.cause.Error() }
func (e *createError) Unwrap() error { return e.cause }

// create begins a run and gives its id. It is called once for a reference: the service
// does not know a repeated create from a new one.
func (s *service) create(ctx context.Context, body any) (string, error) {
	got, err := s.call(ctx, http.MethodPost, "/v1/automation/run-async", nil, body)
	if err != nil {
		return "", &createError{cause: err, certain: !got.sent}
	}
	// A failed run may come with a status of failure; its id says that it was begun.
	if id := got.body.text("run_id", "runId"); runID.MatchString(id) {
		return id, nil
	}
	p := problemOf(got.body)
	id, told := got.body["run_id"]
	if got.ok() && p.none() {
		return "", &createError{cause: failure.New(failure.Transient, CodeAnswerUnreadable, "the agent service's answer to a create has no run_id")}
	}
	return "", &createError{
		cause:   s.refused(got),
		certain: (told && id == nil && !p.none()) || refusesOutright(got.status, p.code),
	}
}

// refusesOutright tells of answers after which nothing has been begun. A gateway that
// gave up and a service that broke may have begun something.
func refusesOutright(status int, code string) bool {
	switch {
	case status == http.StatusRequestTimeout, code == "TIMEOUT":
		return false
	case status >= 500:
		return code == "SERVICE_BUSY"
	}
	return status >= 300
}

// run asks for a run. Nil, without an error, is the answer that there is no such run.
func (s *service) run(ctx context.Context, id string) (document, error) {
	got, err := s.call(ctx, http.MethodGet, runPath(id), url.Values{"screenshots": {"none"}}, nil)
	switch {
	case err != nil:
		return nil, err
	case got.status == http.StatusNotFound:
		return nil, nil
	case !got.ok():
		return nil, s.refused(got)
	case got.body.status() == "":
		return nil, failure.New(failure.Transient, CodeAnswerUnreadable, "the agent service's answer is not a run")
	}
	return got.body, nil
}

// Bounds of a search in the list of runs.
const (
	findPage = 100
	findMost = 10
	// findSlack is how much the service's clock may be behind ours.
	findSlack = 15 * time.Minute
)

// find gives the id of the run whose goal holds a reference, and "" when there is none.
func (s *service) find(ctx context.Context, reference string, since time.Time) (string, error) {
	query := url.Values{
		"goal": {reference}, "created_after": {since.Add(-findSlack).UTC().Format(time.RFC3339)},
		"limit": {strconv.Itoa(findPage)}, "sort_direction": {"desc"},
	}
	for range findMost {
		got, err := s.call(ctx, http.MethodGet, runsPath, query, nil)
		if err != nil {
			return "", err
		}
		if !got.ok() {
			return "", s.refused(got)
		}
		if _, isList := got.body["data"].([]any); !isList {
			return "", failure.New(failure.Transient, CodeAnswerUnreadable, "the agent service's answer is not a list of runs")
		}
		for _, member := range got.body.list("data") {
			run, _ := member.(map[string]any)
			// The service matches parts of goals; what decides is the reference itself.
			if id := document(run).runID(); id != "" && strings.Contains(document(run).text("goal"), reference) {
				return id, nil
			}
		}
		pagination := got.body.object("pagination")
		next := pagination.text("next_cursor", "nextCursor")
		if more, _ := pagination.get("has_more", "hasMore").(bool); !more || next == "" {
			return "", nil
		}
		query.Set("cursor", next)
	}
	return "", failure.New(failure.Transient, CodeRunUnknown, "the agent service's list of runs has no end")
}

// cancel ends a run and gives its state after that; "" when there is no such run. It may
// be called again.
func (s *service) cancel(ctx context.Context, id string) (string, error) {
	got, err := s.call(ctx, http.MethodPost, runPath(id)+"/cancel", nil, nil)
	switch {
	case err != nil:
		return "", err
	case got.status == http.StatusNotFound:
		return "", nil
	case !got.ok():
		return "", s.refused(got)
	case !terminal(got.body.status()):
		return "", failure.New(failure.Transient, CodeRunUnknown, "the agent service has not cancelled the run yet")
	}
	return got.body.status(), nil
}
