package standin

import (
	"context"
	"crypto/subtle"
	"errors"
	"net/http"
	"time"
)

// Endpoint names an endpoint of the API.
type Endpoint string

// The endpoints.
const (
	EndpointRun         Endpoint = "run"
	EndpointRunAsync    Endpoint = "run-async"
	EndpointRunSSE      Endpoint = "run-sse"
	EndpointRunBatch    Endpoint = "run-batch"
	EndpointList        Endpoint = "list"
	EndpointGet         Endpoint = "get"
	EndpointGetBatch    Endpoint = "get-batch"
	EndpointCancel      Endpoint = "cancel"
	EndpointCancelBatch Endpoint = "cancel-batch"
)

// Endpoints lists every endpoint.
func Endpoints() []Endpoint {
	return []Endpoint{
		EndpointRun, EndpointRunAsync, EndpointRunSSE, EndpointRunBatch, EndpointList, EndpointGet, EndpointGetBatch,
		EndpointCancel, EndpointCancelBatch,
	}
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, endpoint Endpoint, serve func(http.ResponseWriter, *http.Request)) {
		mux.Handle(pattern, s.called(endpoint, s.authenticated(http.HandlerFunc(serve))))
	}
	handle("POST /v1/automation/run", EndpointRun, s.serveRun)
	handle("POST /v1/automation/run-async", EndpointRunAsync, s.serveRunAsync)
	handle("POST /v1/automation/run-sse", EndpointRunSSE, s.serveRunSSE)
	handle("POST /v1/automation/run-batch", EndpointRunBatch, s.serveRunBatch)
	handle("GET /v1/runs", EndpointList, s.serveList)
	handle("GET /v1/runs/{id}", EndpointGet, s.serveGet)
	handle("POST /v1/runs/batch", EndpointGetBatch, s.serveGetBatch)
	handle("POST /v1/runs/{id}/cancel", EndpointCancel, s.serveCancel)
	handle("POST /v1/runs/batch/cancel", EndpointCancelBatch, s.serveCancelBatch)
	mux.Handle("/v1/", s.called("", s.authenticated(http.HandlerFunc(serveNothing))))
	mux.HandleFunc("/", serveNothing)

	mux.Handle("POST /stand-in/scripts", s.authenticated(http.HandlerFunc(s.serveScripts)))
	mux.Handle("POST /stand-in/faults", s.authenticated(http.HandlerFunc(s.serveFaults)))
	mux.Handle("POST /stand-in/credits", s.authenticated(http.HandlerFunc(s.serveCredits)))
	mux.Handle("POST /stand-in/down", s.authenticated(http.HandlerFunc(s.serveDown)))
	mux.Handle("GET /stand-in/stats", s.authenticated(http.HandlerFunc(s.serveStats)))
	// People open these two in a browser, and the id is not to be guessed.
	mux.HandleFunc("GET /stand-in/live/{id}", s.serveLive)
	mux.HandleFunc("GET /stand-in/videos/{id}", s.serveVideo)
	return mux
}

func serveNothing(w http.ResponseWriter, _ *http.Request) {
	refusal(http.StatusNotFound, codeNotFound, "There is nothing at this path").write(w)
}

// called counts a call, and drops it while the server is down.
func (s *Server) called(endpoint Endpoint, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		if endpoint != "" {
			s.calls[endpoint]++
		}
		isDown := s.isDown
		s.mu.Unlock()
		if isDown {
			cut()
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Server) authenticated(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key := r.Header.Get("X-API-Key")
		switch {
		case key == "":
			refusal(http.StatusUnauthorized, codeMissingKey, "The header X-API-Key is missing").write(w)
		case subtle.ConstantTimeCompare([]byte(key), []byte(s.cfg.APIKey)) != 1:
			refusal(http.StatusUnauthorized, codeInvalidKey, "The API key is not valid").write(w)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// cut breaks a connection off.
func cut() { panic(http.ErrAbortHandler) }

// errBrokenOff says that who waited shall wait no more.
var errBrokenOff = errors.New("the client left, or the server is down or closed")

// clockTick is how often a clock of the caller's is looked at.
const clockTick = 5 * time.Millisecond

// waitUntil waits until a moment, or until something else is done; then it returns nil.
func (s *Server) waitUntil(ctx context.Context, moment time.Time, or <-chan struct{}) error {
	s.mu.Lock()
	down := s.down
	s.mu.Unlock()
	for {
		left := moment.Sub(s.now())
		if left <= 0 {
			return nil
		}
		if !s.realTime {
			left = clockTick
		}
		timer := time.NewTimer(left)
		select {
		case <-timer.C:
			continue
		case <-or:
			timer.Stop()
			return nil
		case <-ctx.Done():
		case <-down:
		case <-s.closed:
		}
		timer.Stop()
		return errBrokenOff
	}
}

// base is the address that a client came by.
func base(r *http.Request) string { return "http://" + r.Host }
