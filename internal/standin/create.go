package standin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// Limits of requests.
const (
	maxBody         = 4 << 20
	maxBatch        = 100
	defaultMaxSteps = 150
)

func (s *Server) serveRunAsync(w http.ResponseWriter, r *http.Request) {
	req, problem := readCreate(w, r)
	if problem != nil {
		problem.write(w)
		return
	}
	f, refused := s.admit(EndpointRunAsync, req.URL)
	if refused != nil {
		refused.write(w)
		return
	}
	s.reply(w, r, EndpointRunAsync, f, func() answer {
		id := s.create(EndpointRunAsync, f, req)[0].id
		return answer{status: http.StatusOK, body: map[string]any{"run_id": id, "error": nil}}
	})
}

func (s *Server) serveRun(w http.ResponseWriter, r *http.Request) {
	req, problem := readCreate(w, r)
	if problem != nil {
		problem.write(w)
		return
	}
	f, refused := s.admit(EndpointRun, req.URL)
	if refused != nil {
		refused.write(w)
		return
	}
	s.reply(w, r, EndpointRun, f, func() answer {
		run := s.create(EndpointRun, f, req)[0]
		if s.waitForEnd(r, run) != nil {
			cut()
		}
		status := http.StatusOK
		if f.Kind == RunFailed {
			status = http.StatusInternalServerError
		}
		return answer{status: status, body: run.at(s.now()).wireOutcome()}
	})
}

// waitForEnd waits until a run is over, which one that never ends is when it is cancelled.
func (s *Server) waitForEnd(r *http.Request, run *run) error {
	end := run.ends
	if run.endless {
		end = never
	}
	return s.waitUntil(r.Context(), end, run.ended)
}

func (s *Server) serveRunBatch(w http.ResponseWriter, r *http.Request) {
	text, problem := readBody(w, r)
	if problem != nil {
		problem.write(w)
		return
	}
	var in struct {
		Runs         []json.RawMessage `json:"runs"`
		OutputSchema json.RawMessage   `json:"output_schema"`
	}
	if err := json.Unmarshal(text, &in); err != nil {
		invalid(detail{"body", "must be JSON: " + err.Error()}).write(w)
		return
	}
	if len(in.Runs) < 1 || len(in.Runs) > maxBatch {
		invalid(detail{"runs", fmt.Sprintf("must be 1 to %d", maxBatch)}).write(w)
		return
	}
	requests := make([]Request, len(in.Runs))
	var wrong []detail
	for i, part := range in.Runs {
		req, details := parseCreate(part, in.OutputSchema)
		for _, d := range details {
			wrong = append(wrong, detail{fmt.Sprintf("runs.%d.%s", i, d.Path), d.Message})
		}
		requests[i] = req
	}
	if len(wrong) > 0 {
		invalid(wrong...).write(w)
		return
	}
	urls := make([]string, len(requests))
	for i, req := range requests {
		urls[i] = req.URL
	}
	f, refused := s.admit(EndpointRunBatch, urls...)
	if refused != nil {
		refused.write(w)
		return
	}
	s.reply(w, r, EndpointRunBatch, f, func() answer {
		ids := make([]string, 0, len(requests))
		for _, run := range s.create(EndpointRunBatch, f, requests...) {
			ids = append(ids, run.id)
		}
		return answer{status: http.StatusOK, body: map[string]any{"run_ids": ids, "error": nil}}
	})
}

// admit takes the fault of a create of these sites: the one asked for the endpoint, or
// the first that one of the sites has. Without credits nothing is created.
func (s *Server) admit(endpoint Endpoint, urls ...string) (Fault, *answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.noCredits {
		return Fault{}, new(noCredits())
	}
	f, asked := s.takeFault(endpoint)
	for _, url := range urls {
		if asked {
			break
		}
		behaviour := s.behaviourOf(url)
		at := s.site(url)
		f = faultAt(behaviour.Create, at.creates)
		at.creates++
		asked = f.Kind != None
	}
	return f, nil
}

// create makes runs, all at one moment.
func (s *Server) create(endpoint Endpoint, f Fault, requests ...Request) []*run {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]*run, len(requests))
	for i, req := range requests {
		behaviour := s.behaviourOf(req.URL)
		at := s.site(req.URL)
		outcome := behaviour.outcomeAt(at.runs - at.scripted)
		if f.Kind == RunFailed {
			outcome = Outcome{Kind: Failed, Error: &RunError{
				Code: codeInternal, Message: "The run broke down", Category: "SYSTEM_FAILURE",
			}}
		}
		out[i] = s.newRun(endpoint, req, behaviour, outcome)
	}
	return out
}

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, *answer) {
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		var tooLarge *http.MaxBytesError
		if !errors.As(err, &tooLarge) {
			cut() // the client left
		}
		return nil, new(invalid(detail{"body", fmt.Sprintf("must not be larger than %d bytes", maxBody)}))
	}
	return bytes.TrimSpace(text), nil
}

func readCreate(w http.ResponseWriter, r *http.Request) (Request, *answer) {
	text, problem := readBody(w, r)
	if problem != nil {
		return Request{}, problem
	}
	req, details := parseCreate(text, nil)
	if len(details) > 0 {
		return Request{}, new(invalid(details...))
	}
	return req, nil
}
